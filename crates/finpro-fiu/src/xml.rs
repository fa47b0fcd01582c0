//! Documents of XML, which are handed over unparsed.

use provider_core::{Content, DecodeError, ResponseError, Verified, check_xml};

/// A document of XML, whatever type it claims: whole, in UTF-8, and without a document type declaration.
pub(crate) fn document(response: &Verified) -> Result<Content, ResponseError> {
    let content = response.content()?;
    let xml = std::str::from_utf8(content.bytes()).map_err(|_| DecodeError::content_type())?;
    check_xml(xml, content.charset()).map_err(DecodeError::from)?;
    Ok(content)
}
