//! Returns of goods and services tax, GSTR-1 and GSTR-3B. They have no summary.

use provider_core::Items;

use super::record::records;
use super::{Date, Flag, Money, Text};

records! {
    /// Who files returns.
    GstProfile {
        business: Option<BusinessDetails> = "businessDetails";
    }

    /// A business.
    BusinessDetails {
        legal_name: Text = "lgnm";
        trade_name: Text = "trdnm";
        approval_date: Date = "apprvdt";
        is_composition: Flag = "iscmp";
        dealer_type: Text = "dty";
        status: Text = "sts";
    }

    /// Returns of sales.
    Gstr1Details {
        gstr1: Items<Gstr1> = "gstr1";
    }

    /// A return of sales.
    Gstr1 {
        /// Month and year, `MMyyyy`.
        return_period: Text = "ret_prd" | "retPrd";
        date_of_filing: Date = "dof";
        status: Text = "status";
        filing_frequency: Text = "filingFrequency";
        b2b: Option<B2bDetails> = "b2b_dtls" | "b2bDtls";
    }

    /// Invoices to businesses.
    B2bDetails {
        b2b: Items<B2bInvoice> = "b2b";
    }

    /// An invoice to a business, which is another's data.
    B2bInvoice {
        counterparty: Text = "ctin";
        invoice_number: Text = "inum";
        invoice_date: Date = "idt";
        value: Money = "val";
        place_of_supply: Text = "pos";
        reverse_charge: Text = "rchrg";
        invoice_type: Text = "inv_typ" | "invTyp";
        items: Option<InvoiceItems> = "itm_det" | "itmDet";
    }

    /// The rows of an invoice.
    InvoiceItems {
        item: Items<TaxAmounts> = "itm";
    }

    /// Taxed value and taxes.
    TaxAmounts {
        taxable_value: Money = "txval";
        integrated: Money = "iamt";
        central: Money = "camt";
        state: Money = "samt";
        cess: Money = "csamt";
    }

    /// Summary returns.
    Gstr3bDetails {
        gstr3b: Items<Gstr3b> = "gstr3b";
    }

    /// A summary return.
    Gstr3b {
        /// Month and year, `MMyyyy`.
        return_period: Text = "ret_prd" | "retPrd";
        date_of_filing: Date = "dof";
        status: Text = "status";
        filing_frequency: Text = "filingFrequency";
        supplies: Option<Supplies> = "sup_details" | "supDetails";
    }

    /// What was supplied.
    Supplies {
        taxable: Option<TaxAmounts> = "osup_det" | "osupDet";
        zero_rated: Option<TaxAmounts> = "osup_zero" | "osupZero";
        nil_or_exempt: Option<TaxAmounts> = "osup_nil_exmp" | "osupNilExmp";
        inward_reverse_charge: Option<TaxAmounts> = "isup_rev" | "isupRev";
        non_gst: Option<TaxAmounts> = "osup_nongst" | "osupNongst";
    }

    /// The returns of a business.
    GstReturns {
        version: Text = "version";
        masked_gstin_number: Text = "maskedGstinNumber";
        profile: Option<GstProfile> = "profile";
        gstr1: Option<Gstr1Details> = "gstr1Details";
        gstr3b: Option<Gstr3bDetails> = "gstr3bDetails";
    }
}
