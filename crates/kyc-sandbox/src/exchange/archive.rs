//! ZIP archives without compression, which are enough for a spreadsheet.

/// An archive of these files, each with its path.
pub(crate) fn archive(files: &[(&str, &str)]) -> Vec<u8> {
    let (mut archive, mut directory) = (Vec::new(), Vec::new());
    for (path, content) in files {
        let offset = size(archive.len());
        // Version 2.0, names in UTF-8, stored, 1 January 1980.
        let mut head = vec![20, 0, 0, 8, 0, 0, 0, 0, 0x21, 0];
        head.extend(crc32(content.as_bytes()).to_le_bytes());
        head.extend(size(content.len()).to_le_bytes());
        head.extend(size(content.len()).to_le_bytes());
        head.extend(u16::try_from(path.len()).unwrap_or(u16::MAX).to_le_bytes());
        head.extend([0, 0]);
        archive.extend(b"PK\x03\x04");
        archive.extend(&head);
        archive.extend(path.as_bytes());
        archive.extend(content.as_bytes());
        directory.extend(b"PK\x01\x02\x14\0");
        directory.extend(&head);
        directory.extend([0; 10]);
        directory.extend(offset.to_le_bytes());
        directory.extend(path.as_bytes());
    }
    let (offset, count) = (size(archive.len()), size(files.len()).to_le_bytes());
    archive.extend(&directory);
    archive.extend(b"PK\x05\x06\0\0\0\0");
    let [low, high, ..] = count;
    archive.extend([low, high, low, high]);
    archive.extend(size(directory.len()).to_le_bytes());
    archive.extend(offset.to_le_bytes());
    archive.extend([0, 0]);
    archive
}

fn size(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

/// CRC-32, as in archives and pictures.
pub(crate) fn crc32(bytes: &[u8]) -> u32 {
    let next = |crc: u32, byte: &u8| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| match crc & 1 {
            1 => crc >> 1 ^ 0xedb8_8320,
            _ => crc >> 1,
        })
    };
    !bytes.iter().fold(!0, next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checksum_is_that_of_the_standard() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        assert_eq!(crc32(b""), 0);
    }

    #[test]
    fn an_archive_has_its_files_and_its_directory_where_it_says() {
        let bytes = archive(&[("a.txt", "one"), ("b/c.txt", "")]);
        let end = bytes.len() - 22;
        assert_eq!(bytes.get(end..end + 4), Some(&b"PK\x05\x06"[..]));
        assert_eq!(bytes.get(end + 8..end + 12), Some(&[2, 0, 2, 0][..]));
        let number = |at: usize| {
            let bytes = bytes
                .get(at..at + 4)
                .and_then(|bytes| bytes.try_into().ok());
            bytes.map_or(0, u32::from_le_bytes) as usize
        };
        let (length, directory) = (number(end + 12), number(end + 16));
        assert_eq!(directory + length, end);
        assert_eq!(
            bytes.get(directory..directory + 4),
            Some(&b"PK\x01\x02"[..])
        );
        // The first file's name and content follow its head of 30 bytes.
        assert_eq!(bytes.get(30..38), Some(&b"a.txtone"[..]));
        assert_eq!(number(directory + 42), 0);
        assert_eq!(number(directory + 46 + 5 + 42), 38);
    }
}
