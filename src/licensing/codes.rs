//! Code lists a form refers to: countries (ISO 3166-1 alpha-2) and currencies (ISO 4217).

/// Countries and territories, alphabetically.
const COUNTRIES: &str = "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR \
    BS BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ \
    EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW \
    GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY \
    KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV \
    MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY \
    QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG \
    TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM \
    ZW";

/// Currencies that a contract can be paid in, as of 2026, alphabetically: without funds, precious
/// metals, test codes and those withdrawn.
const CURRENCIES: &str = "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD \
    CAD CDF CHF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS \
    GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW \
    KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR \
    MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR \
    SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX \
    USD UYU UZS VED VES VND VUV WST XAF XCD XCG XDR XOF XPF YER ZAR ZMW ZWG";

/// Whether `code` is a country of ISO 3166-1 (two capital letters).
pub fn is_country(code: &str) -> bool {
    is_in(COUNTRIES, code, 2)
}

/// Whether `code` is a currency of ISO 4217 (three capital letters).
pub fn is_currency(code: &str) -> bool {
    is_in(CURRENCIES, code, 3)
}

/// Every country code, alphabetically, for a list to choose from.
pub fn countries() -> impl Iterator<Item = &'static str> {
    COUNTRIES.split(' ')
}

/// Every currency code, alphabetically, for a list to choose from.
pub fn currencies() -> impl Iterator<Item = &'static str> {
    CURRENCIES.split(' ')
}

fn is_in(list: &str, code: &str, length: usize) -> bool {
    code.len() == length && list.split(' ').any(|known| known == code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_are_whole_and_in_order() {
        for (list, length, count) in [(COUNTRIES, 2, 249), (CURRENCIES, 3, 156)] {
            let codes: Vec<&str> = list.split(' ').collect();
            assert_eq!(codes.len(), count);
            assert!(codes.is_sorted_by(|a, b| a < b));
            let plain = |c: &&str| c.len() == length && c.bytes().all(|b| b.is_ascii_uppercase());
            assert!(codes.iter().all(plain));
        }
    }

    #[test]
    fn only_whole_codes_are_known() {
        assert!(is_country("KZ") && is_country("CN") && is_currency("KZT") && is_currency("USD"));
        for bad in ["", "K", "kz", "ZZ", "Z A", "AD AE", " KZ"] {
            assert!(!is_country(bad), "{bad}");
        }
        for bad in ["", "KZ", "usd", "XXX", "XTS", "D A", "SD "] {
            assert!(!is_currency(bad), "{bad}");
        }
    }
}
