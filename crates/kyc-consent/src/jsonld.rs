//! Records and receipts as JSON-LD.
