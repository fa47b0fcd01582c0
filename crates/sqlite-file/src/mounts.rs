//! Whether a path lies on a network file system, where SQLite's write-ahead log loses data: its index is shared memory.

use std::path::{Path, PathBuf};

/// Types of file systems, as the kernel names them, that are shared between machines.
const NETWORK: &[&str] = &[
    "9p",
    "acfs",
    "afs",
    "beegfs",
    "ceph",
    "cifs",
    "coda",
    "gfs2",
    "glusterfs",
    "gpfs",
    "lustre",
    "ncpfs",
    "nfs",
    "nfs4",
    "ocfs2",
    "orangefs",
    "pvfs2",
    "smb3",
    "smbfs",
    "virtiofs",
];

/// File systems in user space that are known to be local. Any other one may lie anywhere.
const LOCAL_FUSE: &[&str] = &["fuse.bindfs", "fuse.fuse-overlayfs", "fuseblk"];

/// The type of the file system that holds an absolute path, as `/proc/self/mountinfo` tells it.
fn file_system<'a>(mounts: &'a str, path: &Path) -> Option<&'a str> {
    let mut found: Option<(usize, &str)> = None;
    for line in mounts.lines() {
        // id, parent, major:minor, root, mount point, options, optional fields, `-`, type, source, options.
        let Some((before, after)) = line.split_once(" - ") else {
            continue;
        };
        let (Some(point), Some(kind)) = (before.split(' ').nth(4), after.split(' ').next()) else {
            continue;
        };
        let point = unescaped(point);
        let depth = point.components().count();
        // What was mounted last over the same place hides what was there before.
        if path.starts_with(&point) && found.is_none_or(|(deepest, _)| depth >= deepest) {
            found = Some((depth, kind));
        }
    }
    found.map(|(_, kind)| kind)
}

/// The network file system that holds an absolute path, if it is one.
pub(crate) fn network<'a>(mounts: &'a str, path: &Path) -> Option<&'a str> {
    file_system(mounts, path).filter(|kind| {
        NETWORK.contains(kind) || kind.starts_with("fuse") && !LOCAL_FUSE.contains(kind)
    })
}

/// A mount point without the kernel's escapes: blanks, tabs, line ends and backslashes are `\` and three octal digits.
fn unescaped(point: &str) -> PathBuf {
    let mut bytes = Vec::with_capacity(point.len());
    let mut rest = point.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let octal = after.get(..3).filter(|_| *first == b'\\');
        let code = octal
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 8).ok());
        match code {
            Some(code) => {
                bytes.push(code);
                rest = after.get(3..).unwrap_or_default();
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    PathBuf::from(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNTS: &str = r"27 1 254:0 / / rw,relatime - ext4 /dev/vda rw
30 27 0:40 / /srv rw shared:7 - nfs4 server:/export rw,vers=4.2
31 30 254:1 / /srv/local rw master:1 shared:9 - xfs /dev/vdb rw
32 27 0:41 / /media/my\040disk rw - cifs //server/share rw
33 27 0:42 / /far rw - fuse.sshfs host: rw
34 27 0:43 / /data rw - nfs server:/old rw
35 34 254:2 / /data rw - ext4 /dev/vdc rw
36 27 254:3 / /usb rw - fuseblk /dev/sda1 rw
broken line
";

    #[test]
    fn the_deepest_and_last_mount_decides() {
        for (path, kind) in [
            ("/kyc.db", None),
            ("/srv/kyc.db", Some("nfs4")),
            ("/srvother/kyc.db", None),
            ("/srv/local/kyc.db", None),
            ("/media/my disk/kyc.db", Some("cifs")),
            ("/far/a/b/kyc.db", Some("fuse.sshfs")),
            ("/data/kyc.db", None),
            ("/usb/kyc.db", None),
        ] {
            assert_eq!(network(MOUNTS, Path::new(path)), kind, "{path}");
        }
        assert_eq!(network("", Path::new("/kyc.db")), None);
    }
}
