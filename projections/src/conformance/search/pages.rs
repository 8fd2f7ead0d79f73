//! The library that the cases are about. Words stand between spaces.

/// A page of a made-up book.
pub struct PageText<'a> {
    pub id: &'a str,
    pub roles: &'a [&'a str],
    pub language: &'a str,
    /// None: the page has no text.
    pub lines: &'a [&'a str],
    /// The line whose last word goes on in the next one, and the word that its format tells.
    pub whole: Option<(usize, &'a str)>,
}

impl<'a> PageText<'a> {
    pub const fn of(lines: &'a [&'a str]) -> Self {
        Self { id: "1/1/page", roles: &[], language: "de", lines, whole: None }
    }

    const fn new(id: &'a str, language: &'a str, lines: &'a [&'a str]) -> Self {
        Self { id, language, ..Self::of(lines) }
    }
}

pub const PAGES: &[PageText<'static>] = &[
    PageText::new(
        "1/1/kant",
        "de",
        &[
            "Aufklärung iſt der Ausgang des Menſchen",
            "aus ſeiner ſelbſt verſchuldeten Unmuͤn⸗",
            "digkeit. Unmündigkeit iſt das Unvermoͤgen,",
            "ſich ſeines Verſtandes ohne Leitung eines",
            "anderen zu bedienen. Sapere aude! Habe Muth",
        ],
    ),
    PageText {
        whole: Some((2, "Zucker")),
        ..PageText::new(
            "1/1/laube",
            "de",
            &[
                "Die Reichsſtadt an der Straße — ein alter",
                "Ort, deſſen Stadt- und Landrecht 1784/85",
                "in Baden-Württemberg gedruckt ward; Zuk-",
                "ker und Caffee koſteten 1,234.50 Thlr.",
                "Donau-",
                "dampf-",
                "ſchiff Anm.² Hauß=Thür",
            ],
        )
    },
    PageText::new(
        "1/1/cinna",
        "fr",
        &[
            "L’homme libre eſt né pour l’étude, & le cœur",
            "d’Auguſte a pardonné à Cinna: ſoyons amis.",
            "Ô Rome! où l’on voit naître & périr",
            "la vertu d'un eſprit bien-né",
        ],
    ),
    PageText::new(
        "1/2/cook",
        "en",
        &[
            "The well-known cook said that to be or not to",
            "be is the question of the day-to-day kitchen.",
            "Fish and ﬁne ﬂour—butter, eggs & cream",
            "make the best of a fishmonger's pre-",
            "paration for the well known table. Knwon",
        ],
    ),
    PageText::new(
        "1/2/latin",
        "la",
        &[
            "Gallia eſt omnis diviſa in partes tres",
            "quarum unam incolunt Belgæ, aliam Aqui-",
            "tani, tertiam qui ipſorum linguâ Celtæ",
        ],
    ),
    PageText::new(
        "1/2/greek",
        "el",
        &["Μῆνιν ἄειδε, θεά, Πηληϊάδεω Ἀχιλῆος", "οὐλομένην, ἣ μυρί’ Ἀχαιοῖς ἄλγε’ ἔθηκε"],
    ),
    PageText::new("1/2/russian", "ru", &["Ёлка в лесу и йод", "Война и мир"]),
    PageText::new("1/2/japanese", "ja", &["日本国憲法 第3章", "国民の権利及び義務"]),
    PageText {
        // As images name it: by its address.
        roles: &["https://dlcs.example/customers/1/roles/staff"],
        ..PageText::new(
            "1/2/closed",
            "de",
            &["Geheime Aufklärung und Reichsſtadt", "geheimſte Aufklärerei well-known"],
        )
    },
    PageText::new(
        "1/2/html",
        "en",
        &[
            "<script>alert(1)</script> \"quoted\" & <b>bold</b>",
            "tenant:2 field:secret a*b {\"query\":1} ../_search",
        ],
    ),
    PageText::new("1/2/marks", "en", &["— — . * ~ \"", ""]),
    PageText::new("1/2/nothing", "en", &[]),
    PageText::new("1/3/many", "en", &["zebra zebra zebra zebra"]),
    PageText::new(
        "1/3/few",
        "en",
        &[
            "one zebra among a great many other animals of",
            "the wide plain where lions and they live",
        ],
    ),
    PageText::new("1/3/same-a", "en", &["okapi in the forest"]),
    PageText::new("1/3/same-b", "en", &["okapi in the forest"]),
    PageText::new("2/1/other", "de", &["Aufklärung der anderen well-known zebra"]),
];
