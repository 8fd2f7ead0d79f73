//! The cases: a question and the boxes that answer it.
//!
//! A hit is written `page line.first-last`, words counted from 0; a hit on several lines has one
//! such place for each, with `+` between them. Hits stand by page, then in reading order.

use super::given::{Library, cell, customer};
use super::{SearchEngine, given};
use crate::conformance::given::{admin, id, key_of};
use crate::search::{Found, Scope, Within};
use dlcs_domain::access::Principal;
use dlcs_domain::{CustomerId, SpaceNumber};
use dlcs_text::Rect;

/// Who asks.
#[derive(Clone, Copy)]
pub(super) enum Who {
    Anybody,
    /// A key of the customer whose pages they are.
    Owner,
    /// A key of another customer.
    Other,
    Admin,
    /// A reader who holds `staff` of customer 1.
    Staff,
    /// A reader who holds `members` of customer 1, and `staff` of another one.
    Member,
}

use Who::{Admin, Anybody, Member, Other, Owner, Staff};

/// Where they look: a customer, a space of customer 1, or pages.
pub(super) enum Where {
    Customer(u32),
    Space(u32),
    Pages(&'static [&'static str]),
}

const ALL: Where = Where::Customer(1);

pub(super) struct Case {
    name: &'static str,
    who: Who,
    within: Where,
    query: &'static str,
    hits: &'static [&'static str],
}

const fn open(name: &'static str, query: &'static str, hits: &'static [&'static str]) -> Case {
    Case { name, who: Anybody, within: ALL, query, hits }
}

const fn asked(
    name: &'static str,
    who: Who,
    within: Where,
    query: &'static str,
    hits: &'static [&'static str],
) -> Case {
    Case { name, who, within, query, hits }
}

pub(super) const CASES: &[Case] = &[
    // Words.
    open("a word", "Ausgang", &["kant 0.3"]),
    open("case does not matter", "AUSGANG", &["kant 0.3"]),
    open("every occurrence is a hit", "ist", &["kant 0.1", "kant 2.2"]),
    open("a word that is nowhere", "Weltgeist", &[]),
    open("a part of a word is no word", "gang", &[]),
    open("bare words must all be there", "Sapere Ausgang", &["kant 0.3", "kant 4.3"]),
    open("one that is missing is enough", "Sapere Zucker", &[]),
    open("the same word twice is one clause", "aude aude AUDE", &["kant 4.4"]),
    open("punctuation is not part of a word", "„aude!“", &["kant 4.4"]),
    open("no words, no pages", "", &[]),
    open("marks alone are no words", "— . & *", &[]),
    // Phrases.
    open("a phrase on one line", "\"der Ausgang des\"", &["kant 0.2-4"]),
    open("a phrase over a line break", "\"des Menschen aus seiner\"", &["kant 0.4-5+1.0-1"]),
    open("words in another order are no phrase", "\"Ausgang der\"", &[]),
    open("words with another between them are no phrase", "\"der des\"", &[]),
    open("a phrase and a word", "\"sapere aude\" Muth", &["kant 4.3-4", "kant 4.6"]),
    open("a phrase over a mark that stands alone", "\"Straße ein alter\"", &["laube 0.4-7"]),
    open("a phrase of one word", "\"Ausgang\"", &["kant 0.3"]),
    open("a phrase that is there twice", "\"Ahem zebra\" zebra", &[]),
    open("quotes that are not closed are plain text", "\"Sapere aude", &["kant 4.3", "kant 4.4"]),
    open("quotes of other countries", "»Sapere aude«", &["kant 4.3-4"]),
    open("nothing runs from page to page", "\"Muth Die\"", &[]),
    open("a phrase of stop words", "\"to be or not to be\"", &["cook 0.5-9+1.0"]),
    open("a stop word", "or", &["cook 0.7"]),
    open("the article is a word too", "der", &["kant 0.2", "laube 0.3"]),
    // Divided words.
    open(
        "a divided word has two boxes",
        "Selbst Unmündigkeit",
        &["kant 1.2", "kant 1.4+2.0", "kant 2.1"],
    ),
    open(
        "a phrase that ends in a divided word",
        "\"verschuldeten Unmündigkeit\"",
        &["kant 1.3-4+2.0"],
    ),
    open(
        "a phrase that runs over a divided word",
        "\"selbst verschuldeten Unmündigkeit Unmündigkeit ist\"",
        &["kant 1.2-4+2.0-2"],
    ),
    open("the first half", "Unmuͤn", &["kant 1.4"]),
    open("the second half", "digkeit", &["kant 2.0"]),
    open("a half in a phrase", "\"digkeit Unmündigkeit\"", &["kant 2.0-1"]),
    open("the word that the format tells", "Zucker", &["laube 2.4+3.0"]),
    open("the halves together are not it", "Zukker", &[]),
    open("a word on three lines", "Donaudampfschiff", &["laube 4.0+5.0+6.0"]),
    open("the middle of a word on three lines", "dampf", &["laube 5.0"]),
    open("a divided English word", "preparation", &["cook 3.6+4.0"]),
    open(
        "a hyphen for what is left out divides nothing",
        "\"Stadt und Landrecht\"",
        &["laube 1.2-4"],
    ),
    open("what is left out is not made up", "Stadtund", &[]),
    // Apostrophes and hyphens.
    open("a part of a hyphenated word", "known", &["cook 0.1", "cook 4.4"]),
    open("a hyphenated word", "well-known", &["cook 0.1"]),
    open("a hyphenated word without its hyphen", "wellknown", &["cook 0.1"]),
    open("a phrase through a part", "\"the well-known cook\"", &["cook 0.0-2"]),
    open("a phrase from a part", "\"known cook\"", &["cook 0.1-2"]),
    open("two words are not a hyphenated one", "\"well known\"", &["cook 4.3-4"]),
    open("an article before an apostrophe", "l'homme", &["cinna 0.0"]),
    open("a word behind an apostrophe", "homme", &["cinna 0.0"]),
    open("a phrase from behind an apostrophe", "\"homme libre\"", &["cinna 0.0-1"]),
    open("another apostrophe", "d’un", &["cinna 3.2"]),
    open("a possessive", "fishmonger's", &["cook 3.5"]),
    open("many hyphens", "day-to-day", &["cook 1.6"]),
    open("a dash divides words", "\"flour butter\"", &["cook 2.3"]),
    open("old prints join with =", "Haustür Haußthür", &[]),
    open("old prints join with = (spelt so)", "Haußthür", &["laube 6.2"]),
    open("a name with a hyphen", "\"Baden-Württemberg gedruckt\"", &["laube 2.1-2"]),
    // Spellings.
    open("a long s is an s", "Reichsstadt", &["laube 0.1"]),
    open("an s is a long s", "ſapere", &["kant 4.3"]),
    open("an umlaut can be left out", "Aufklarung", &["kant 0.0"]),
    open("a small e above is an umlaut", "Unvermögen", &["kant 2.4"]),
    open("a query may be decomposed", "Aufkla\u{308}rung", &["kant 0.0"]),
    open("a sharp s is ss", "STRASSE", &["laube 0.4"]),
    open("an accent can be left out", "etude", &["cinna 0.5"]),
    open("an accent can be put in", "Càfféè", &["laube 3.2"]),
    open("a ligature is its letters", "fine flour", &["cook 2.2", "cook 2.3"]),
    open("oe is œ", "coeur", &["cinna 0.8"]),
    open("ae is æ", "Belgae", &["latin 1.3"]),
    open("a superscript is not part of a word", "Anm", &["laube 6.1"]),
    // Numbers.
    open("a number", "1784", &["laube 1.5"]),
    open("numbers beside each other", "\"1784 85\"", &["laube 1.5"]),
    open("a number with its marks", "1,234.50", &["laube 3.4"]),
    open("a number without its marks", "123450", &["laube 3.4"]),
    // Beginnings and mistakes.
    open("a beginning", "Reichs*", &["laube 0.1"]),
    open(
        "a beginning of several words",
        "un*",
        &[
            "cinna 3.2",
            "kant 1.4+2.0",
            "kant 2.1",
            "kant 2.4",
            "latin 1.1",
            "laube 1.3",
            "laube 3.1",
        ],
    ),
    open("a beginning is folded", "AUFKLÄ*", &["kant 0.0"]),
    open("a beginning of a half", "dig*", &["kant 2.0"]),
    open("a beginning and a word", "sap* aude", &["kant 4.3", "kant 4.4"]),
    open("the whole word is its own beginning", "Ausgang*", &["kant 0.3"]),
    open(
        "too short a beginning is a word",
        "a* pardonné",
        &["cinna 1.1", "cinna 1.2", "cinna 1.3"],
    ),
    open("a beginning that nothing has", "xyz*", &[]),
    open("no beginning within quotes", "\"Reichs*\"", &[]),
    open("a letter that is wrong", "Ausgong~", &["kant 0.3"]),
    open("a letter that is missing", "Ausgng~", &["kant 0.3"]),
    open("a letter too many", "Ausgaang~", &["kant 0.3"]),
    open("letters that changed places", "known~", &["cook 0.1", "cook 4.4", "cook 4.6"]),
    open("two mistakes are too many", "Asgong~", &[]),
    open("mistakes count after folding", "Straſſe~", &["laube 0.4"]),
    open("too short for mistakes", "die~", &["laube 0.0"]),
    // Languages.
    open("Latin over a line break", "\"partes tres quarum\"", &["latin 0.5-6+1.0"]),
    open("Latin over a divided word", "\"aliam Aquitani tertiam\"", &["latin 1.4-5+2.0-1"]),
    open("Greek without accents", "Μηνιν", &["greek 0.0"]),
    open("Greek in capitals", "ΑΧΙΛΗΟΣ", &["greek 0.4"]),
    open("a Greek phrase over a line break", "\"Αχιληος ουλομενην\"", &["greek 0.4+1.0"]),
    open("Russian", "елка", &["russian 0.0"]),
    open("a Russian phrase", "\"война и мир\"", &["russian 1.0-2"]),
    open("Japanese has no spaces", "憲法", &["japanese 0.0"]),
    open("Japanese in another order", "法憲", &[]),
    open("Japanese over a line break", "\"3章国民\"", &["japanese 0.1+1.0"]),
    open("one character", "章", &["japanese 0.1"]),
    // Where.
    asked("a space", Anybody, Where::Space(2), "der", &[]),
    asked("another space", Anybody, Where::Space(1), "der", &["kant 0.2", "laube 0.3"]),
    asked("a space without pages", Anybody, Where::Space(9), "der", &[]),
    asked("an asset", Anybody, Where::Pages(&["1/1/laube"]), "der", &["laube 0.3"]),
    asked(
        "a manifest",
        Anybody,
        Where::Pages(&["1/1/laube", "1/2/cook", "1/1/kant"]),
        "die",
        &["laube 0.0"],
    ),
    asked("a manifest without pages", Anybody, Where::Pages(&[]), "der", &[]),
    asked(
        "pages that are not there",
        Anybody,
        Where::Pages(&["1/1/gone", "1/1/kant"]),
        "der",
        &["kant 0.2"],
    ),
    asked(
        "another customer's page in a manifest",
        Owner,
        Where::Pages(&["2/1/other", "1/1/kant"]),
        "Aufklärung",
        &["kant 0.0"],
    ),
    asked("another customer", Anybody, Where::Customer(2), "Aufklärung", &["other 0.0"]),
    asked("a customer that is not there", Anybody, Where::Customer(9), "Aufklärung", &[]),
    // Who.
    asked("anybody does not find what is closed", Anybody, ALL, "Geheime", &[]),
    asked("anybody finds what is open beside it", Anybody, ALL, "Aufklärung", &["kant 0.0"]),
    asked("the owner finds what is closed", Owner, ALL, "Aufklärung", &["closed 0.1", "kant 0.0"]),
    asked("another customer does not", Other, ALL, "Aufklärung", &["kant 0.0"]),
    asked("an administrator does", Admin, ALL, "Geheime", &["closed 0.0"]),
    asked("a closed page in a manifest", Anybody, Where::Pages(&["1/2/closed"]), "Geheime", &[]),
    asked(
        "a closed page in the owner's manifest",
        Owner,
        Where::Pages(&["1/2/closed"]),
        "Geheime",
        &["closed 0.0"],
    ),
    asked("a role opens what it closes", Staff, ALL, "Geheime", &["closed 0.0"]),
    asked("beside what is open", Staff, ALL, "Aufklärung", &["closed 0.1", "kant 0.0"]),
    asked("in a manifest", Staff, Where::Pages(&["1/2/closed"]), "Geheime", &["closed 0.0"]),
    asked("a role's beginning", Staff, ALL, "geheim*", &["closed 0.0", "closed 1.0"]),
    asked("another role opens nothing", Member, ALL, "Geheime", &[]),
    asked("another role finds what is open", Member, ALL, "Aufklärung", &["kant 0.0"]),
    asked("a beginning keeps secrets", Anybody, ALL, "geheim*", &[]),
    asked("a mistake keeps secrets", Anybody, ALL, "Geheimen~", &[]),
    asked("a phrase keeps secrets", Anybody, ALL, "\"geheime Aufklärung\"", &[]),
    asked("the owner's beginning", Owner, ALL, "geheim*", &["closed 0.0", "closed 1.0"]),
    // Text that means something to somebody else.
    open("markup is text", "script alert", &["html 0.0", "html 0.0", "html 0.0"]),
    open("a colon is no field", "field:secret", &["html 1.1"]),
    open("a word that says `or`", "tenant:2 OR zebra", &[]),
    open("quotes on the page", "quoted", &["html 0.1"]),
    open("a star within a word", "a*b", &["html 1.2"]),
];

pub(super) async fn every_case_has_its_hits<E: SearchEngine>(library: &Library<E>) {
    let mut wrong = Vec::new();
    for case in CASES {
        let (who, scope) = (case.who.principal(), case.within.scope());
        let found = library.find(&who, &scope, case.query).await;
        let mut expected: Vec<_> = case.hits.iter().map(|it| expected(it)).collect();
        let mut actual = printed(&found);
        expected.sort_by(|left, right| left.0.cmp(&right.0));
        actual.sort_by(|left, right| left.0.cmp(&right.0));
        if actual != expected {
            wrong.push(format!(
                "{}: `{}`\n  {actual:?}\nnot\n  {expected:?}",
                case.name, case.query
            ));
        }
        let mut pages: Vec<_> = actual.iter().map(|it| &it.0).collect();
        pages.dedup();
        let totals = (found.total_hits, found.total_pages);
        if totals != (Some(actual.len() as u64), pages.len() as u64) || found.has_more {
            wrong.push(format!("{}: totals {totals:?} of {} hits", case.name, actual.len()));
        }
    }
    let (failed, all) = (wrong.len(), CASES.len());
    assert!(wrong.is_empty(), "{failed} of {all} cases are wrong:\n{}", wrong.join("\n"));
}

/// Somebody who holds roles of customers.
fn reader(roles: &[(u32, &str)]) -> Principal {
    let roles = roles.iter().map(|(customer, name)| (CustomerId(*customer), (*name).to_owned()));
    Principal::Reader { roles: roles.collect() }
}

impl Who {
    pub(super) fn principal(self) -> Principal {
        match self {
            Anybody => Principal::Anonymous,
            Owner => key_of(1),
            Other => key_of(2),
            Admin => admin(),
            Staff => reader(&[(1, "staff")]),
            Member => reader(&[(1, "members"), (2, "staff")]),
        }
    }
}

impl Where {
    pub(super) fn scope(&self) -> Scope {
        let within = match self {
            Self::Customer(number) => return customer(*number),
            Self::Space(number) => Within::Space(SpaceNumber(*number)),
            Self::Pages(ids) => Within::Assets(ids.iter().map(|it| id(it)).collect()),
        };
        Scope { within, ..given::customer(1) }
    }
}

/// Returns hits as page and boxes.
pub(super) fn printed(found: &Found) -> Vec<(String, Vec<Rect>)> {
    found.hits.iter().map(|it| (it.id.name().to_owned(), it.hit.boxes.clone())).collect()
}

fn expected(text: &str) -> (String, Vec<Rect>) {
    let (page, places) = text.split_once(' ').expect("a page and places");
    let boxes = places.split('+').map(|place| {
        let (line, words) = place.split_once('.').expect("a line and words");
        let (first, last) = words.split_once('-').unwrap_or((words, words));
        let number = |it: &str| it.parse().expect("a number");
        cell(number(line), number(first), number(last))
    });
    (page.to_owned(), boxes.collect())
}
