//! An analysis as a spreadsheet: a sheet of figures and a sheet of transactions.
//!
//! What is in it is the sandbox's own choice.

use super::analytics::{figures, no_figures};
use super::deposit::escaped;
use super::fi_data::Delivered;
use crate::exchange::{Json, archive};
use crate::state::bank::{Account, Analysis};

const TYPES: &str = r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/><Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/><Override PartName="/xl/worksheets/sheet1.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/><Override PartName="/xl/worksheets/sheet2.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/></Types>"#;
const PARTS: &str = r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>"#;
const WORKBOOK: &str = r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="Analysis" sheetId="1" r:id="rId1"/><sheet name="Transactions" sheetId="2" r:id="rId2"/></sheets></workbook>"#;
const SHEETS: &str = r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/><Relationship Id="rId2" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet2.xml"/></Relationships>"#;

/// The file, as XLSX.
pub(super) fn workbook(delivered: &[Delivered], analysis: Option<&Analysis>) -> Vec<u8> {
    let figures = analysis.map_or_else(no_figures, figures).into_iter();
    let figures = figures.map(|(name, value)| vec![name.into(), value]);
    let columns = ["Account", "Date", "Narration", "Amount", "Balance"];
    let head = columns.map(Json::from).to_vec();
    let amount = |paise| Json::Decimal(Account::rupees(paise));
    let rows = delivered.iter().filter_map(|one| one.account.as_ref());
    let rows = rows.flat_map(|account| {
        let row = move |row: &crate::state::bank::Transaction| {
            vec![
                account.number.as_str().into(),
                row.at.date().to_string().into(),
                row.narration.as_str().into(),
                amount(row.paise),
                amount(row.balance),
            ]
        };
        account.transactions.iter().map(row)
    });
    archive(&[
        ("[Content_Types].xml", TYPES),
        ("_rels/.rels", PARTS),
        ("xl/workbook.xml", WORKBOOK),
        ("xl/_rels/workbook.xml.rels", SHEETS),
        ("xl/worksheets/sheet1.xml", &sheet(figures)),
        (
            "xl/worksheets/sheet2.xml",
            &sheet(std::iter::once(head).chain(rows)),
        ),
    ])
}

fn sheet(rows: impl Iterator<Item = Vec<Json>>) -> String {
    let cell = |value: &Json| match value {
        Json::Text(text) => {
            let text = escaped(text);
            format!("<c t=\"inlineStr\"><is><t>{text}</t></is></c>")
        }
        Json::Bool(value) => format!("<c t=\"b\"><v>{}</v></c>", u8::from(*value)),
        Json::Null => "<c/>".to_owned(),
        number => format!("<c><v>{}</v></c>", number.to_compact()),
    };
    let row = |row: Vec<Json>| {
        let cells: String = row.iter().map(cell).collect();
        format!("<row>{cells}</row>")
    };
    let rows: String = rows.map(row).collect();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n<worksheet xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\"><sheetData>{rows}</sheetData></worksheet>"
    )
}
