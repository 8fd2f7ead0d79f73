//! Characters by number and by name, as HTML writes them.

use std::borrow::Cow;

/// Names of U+00A0 to U+00FF in their order.
const LATIN_1: &str = "nbsp iexcl cent pound curren yen brvbar sect uml copy ordf laquo not shy reg \
    macr deg plusmn sup2 sup3 acute micro para middot cedil sup1 ordm raquo frac14 frac12 frac34 \
    iquest Agrave Aacute Acirc Atilde Auml Aring AElig Ccedil Egrave Eacute Ecirc Euml Igrave \
    Iacute Icirc Iuml ETH Ntilde Ograve Oacute Ocirc Otilde Ouml times Oslash Ugrave Uacute Ucirc \
    Uuml Yacute THORN szlig agrave aacute acirc atilde auml aring aelig ccedil egrave eacute ecirc \
    euml igrave iacute icirc iuml eth ntilde ograve oacute ocirc otilde ouml divide oslash ugrave \
    uacute ucirc uuml yacute thorn yuml";

/// Others that stand in printed text.
const OTHERS: [(&str, char); 29] = [
    ("amp", '&'),
    ("lt", '<'),
    ("gt", '>'),
    ("quot", '"'),
    ("apos", '\''),
    ("OElig", 'Œ'),
    ("oelig", 'œ'),
    ("Scaron", 'Š'),
    ("scaron", 'š'),
    ("fnof", 'ƒ'),
    ("ndash", '–'),
    ("mdash", '—'),
    ("lsquo", '‘'),
    ("rsquo", '’'),
    ("sbquo", '‚'),
    ("ldquo", '“'),
    ("rdquo", '”'),
    ("bdquo", '„'),
    ("lsaquo", '‹'),
    ("rsaquo", '›'),
    ("dagger", '†'),
    ("Dagger", '‡'),
    ("bull", '•'),
    ("hellip", '…'),
    ("euro", '€'),
    ("ensp", '\u{2002}'),
    ("emsp", '\u{2003}'),
    ("thinsp", '\u{2009}'),
    ("zwnj", '\u{200C}'),
];

/// The longest that is looked for, `&` and `;` not counted.
const REFERENCE_BYTES_MAX: usize = 12;

/// Replaces references that are known and leaves all else as it stands.
pub(crate) fn unescape(text: &str) -> Cow<'_, str> {
    let Some(first) = text.find('&') else { return Cow::Borrowed(text) };
    let mut out = String::with_capacity(text.len());
    out.push_str(&text[..first]);
    let mut rest = &text[first..];
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let head = &rest.as_bytes()[..rest.len().min(REFERENCE_BYTES_MAX + 2)];
        let end = head.iter().position(|it| *it == b';');
        let resolved = end.and_then(|end| Some((character(&rest[1..end])?, end)));
        match resolved {
            Some((character, end)) => {
                out.push(character);
                rest = &rest[end + 1..];
            }
            None => {
                out.push('&');
                rest = &rest[1..];
            }
        }
    }
    out.push_str(rest);
    Cow::Owned(out)
}

fn character(name: &str) -> Option<char> {
    if let Some(number) = name.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16),
            None => number.parse(),
        };
        return Some(char::from_u32(code.ok()?).filter(|it| *it != '\0').unwrap_or('\u{FFFD}'));
    }
    let other = OTHERS.iter().find(|(it, _)| *it == name).map(|(_, character)| *character);
    other.or_else(|| {
        let ordinal = LATIN_1.split(' ').position(|it| it == name)?;
        char::from_u32(0xA0 + u32::try_from(ordinal).ok()?)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_become_characters_and_the_rest_stays() {
        let cases = [
            ("Fa&szlig;bier &amp; &#x17f;o &#8222;&yuml;", "Faßbier & ſo „ÿ"),
            ("verbun&shy;", "verbun\u{AD}"),
            ("a & b; &unknown; &", "a & b; &unknown; &"),
            ("&#0;&#xD800;&#99999999999;", "\u{FFFD}\u{FFFD}&#99999999999;"),
            ("&ampamp;&amp;amp;", "&ampamp;&amp;"),
            ("&größe;", "&größe;"),
        ];
        for (text, expected) in cases {
            assert_eq!(unescape(text), expected);
        }
    }
}
