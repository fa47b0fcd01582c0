//! Personal values planted into an input, and the check that no error prints them.

use provider_core::Error;

/// The byte that stands for [`TEXT`] in an input. Neither JSON nor a header can hold it, so nothing is lost.
const TEXT_MARK: u8 = 0x01;
/// The byte that stands for [`NUMBER`].
const NUMBER_MARK: u8 = 0x02;

/// No code, no word and no field name; any eight bytes of it hold one of its four quarters.
const TEXT: &str = "Qx7!Vz@9Kw#3Jp%5";
/// As long as a mobile number, and made of digits only.
const NUMBER: &str = "9081726354";

/// The input with the values in the place of their marks.
pub(crate) fn plant(input: &[u8]) -> Vec<u8> {
    let mut planted = Vec::with_capacity(input.len() + 16);
    for byte in input {
        match *byte {
            TEXT_MARK => planted.extend_from_slice(TEXT.as_bytes()),
            NUMBER_MARK => planted.extend_from_slice(NUMBER.as_bytes()),
            other => planted.push(other),
        }
    }
    planted
}

/// Fails if the error of a planted input prints eight bytes of a planted value anywhere.
pub(crate) fn assert_unprinted(input: &[u8], error: &Error) {
    if holds_a_mark(input) {
        assert_absent(&format!("{error}\n{error:?}\n{}", error.report()));
    }
}

fn holds_a_mark(input: &[u8]) -> bool {
    input
        .iter()
        .any(|byte| matches!(*byte, TEXT_MARK | NUMBER_MARK))
}

/// Fails if the text holds eight bytes of a planted value.
pub(crate) fn assert_absent(printed: &str) {
    let quarters = (0..TEXT.len()).step_by(4).map(|at| &TEXT[at..at + 4]);
    let digits = (0..=NUMBER.len() - 8).map(|at| &NUMBER[at..at + 8]);
    for piece in quarters.chain(digits) {
        assert!(!printed.contains(piece), "printed: {printed}");
    }
}
