//! What marks a file of journeys, and how it is made and set.

use kyc_journey::point;
use sqlite_file::Application;

/// `KYCJ`.
pub(crate) const JOURNEYS: Application = Application {
    id: 0x4b59_434a,
    schemas: &[include_str!("schema.sql")],
    settings: &[
        ("journal_mode", "WAL", "wal"),
        ("synchronous", "FULL", "2"),
        ("secure_delete", "ON", "1"),
        ("foreign_keys", "ON", "1"),
        // Pages that change again and again are written back to the database once: after 16 MiB of log instead of 4.
        ("wal_autocheckpoint", "4000", "4000"),
        // 16 MiB: pages of what is under way are not read again.
        ("cache_size", "-16384", "-16384"),
    ],
    is_clear: false,
    step: point,
};

#[cfg(test)]
mod tests {
    use sqlite_file::Candidate;

    use super::*;

    #[test]
    fn every_table_is_strict() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("kyc.db");
        let opened = Candidate::new(&path, &JOURNEYS).and_then(Candidate::open);
        let strict = opened.expect("a database").reader.query_row(
            "SELECT count(*) FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND strict",
            (),
            |row| row.get::<_, i64>(0),
        );
        assert_eq!(strict, Ok(5));
    }
}
