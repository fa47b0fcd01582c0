//! Documents of one page.

/// A PDF that says what it is, and then these lines. Characters other than those of ASCII are shown as `?`.
pub(crate) fn pdf(title: &str, lines: &[String]) -> Vec<u8> {
    let mut text = format!(
        "BT /F1 18 Tf 56 760 Td ({}) Tj /F1 11 Tf 0 -28 Td (Sandbox. Invented. This document is nobody's.) Tj",
        literal(title)
    );
    for line in lines {
        text.push_str(&format!(" 0 -20 Td ({}) Tj", literal(line)));
    }
    text.push_str(" ET");
    let objects = [
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned(),
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 5 0 R \
         /Resources << /Font << /F1 4 0 R >> >> >>"
            .to_owned(),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>".to_owned(),
        format!("<< /Length {} >>\nstream\n{text}\nendstream", text.len()),
    ];
    let mut pdf = "%PDF-1.4\n".to_owned();
    let mut table = "0000000000 65535 f \n".to_owned();
    for (number, object) in (1_u32..).zip(&objects) {
        table.push_str(&format!("{:010} 00000 n \n", pdf.len()));
        pdf.push_str(&format!("{number} 0 obj\n{object}\nendobj\n"));
    }
    let start = pdf.len();
    pdf.push_str(&format!(
        "xref\n0 6\n{table}trailer\n<< /Size 6 /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n"
    ));
    pdf.into_bytes()
}

/// The inside of a literal string.
fn literal(text: &str) -> String {
    let mut literal = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '(' | ')' | '\\' => literal.extend(['\\', character]),
            ' '..='~' => literal.push(character),
            _ => literal.push('?'),
        }
    }
    literal
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_object_is_where_the_table_says() {
        let lines = ["Name: (A\\B) \u{905}".to_owned()];
        let pdf = String::from_utf8(pdf("Title", &lines)).unwrap_or_default();
        assert!(pdf.contains("(Name: \\(A\\\\B\\) ?) Tj"));
        let (_, table) = pdf.split_once("xref\n0 6\n").unwrap_or_default();
        for (number, entry) in (1..=5).zip(table.lines().skip(1)) {
            let at: usize = entry.get(..10).unwrap_or_default().parse().unwrap_or(0);
            let object = pdf.get(at..).unwrap_or_default();
            assert!(object.starts_with(&format!("{number} 0 obj\n")));
        }
        let start = pdf.rsplit("startxref\n").next().unwrap_or_default();
        let start: usize = start
            .lines()
            .next()
            .unwrap_or_default()
            .parse()
            .unwrap_or(0);
        assert!(pdf.get(start..).unwrap_or_default().starts_with("xref\n"));
        let (_, stream) = pdf.split_once("/Length ").unwrap_or_default();
        let (length, stream) = stream.split_once(" >>\nstream\n").unwrap_or_default();
        let (stream, _) = stream.split_once("\nendstream").unwrap_or_default();
        assert_eq!(length.parse(), Ok(stream.len()));
    }
}
