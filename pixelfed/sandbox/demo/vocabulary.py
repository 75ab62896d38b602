"""Words for the believable photographer's world: names, captions, alt texts, comments."""

from __future__ import annotations

# fmt: off
FIRST_NAMES = (
    "Aino", "Amara", "Anders", "Anja", "Antoine", "Astrid", "Beatriz", "Bram", "Camila", "Carlos",
    "Chiara", "Daan", "Daria", "Diego", "Ebba", "Elif", "Emeka", "Emil", "Esther", "Farah",
    "Felix", "Fiona", "Freja", "Gabriel", "Giulia", "Hanna", "Haruto", "Hedda", "Hugo", "Ida",
    "Ingrid", "Isabel", "Ivan", "Jana", "Jonas", "Joao", "Julia", "Kaito", "Karim", "Katrin",
    "Kofi", "Lars", "Leila", "Lena", "Liam", "Linnea", "Louise", "Luca", "Lucia", "Maja", "Marek",
    "Mateo", "Mei", "Mina", "Moa", "Nadia", "Nils", "Noor", "Olga", "Oskar", "Paula", "Pavel",
    "Petra", "Priya", "Rafael", "Rania", "Ravi", "Rosa", "Ruben", "Sakura", "Samir", "Sanne",
    "Sara", "Selma", "Signe", "Simone", "Sofia", "Stefan", "Tariq", "Theo", "Tomas", "Ulrika",
    "Vera", "Viktor", "Wanda", "Yara", "Yuki", "Zeynep", "Zofia",
)
# fmt: on
# fmt: off
LAST_NAMES = (
    "Abe", "Adeyemi", "Ahlberg", "Almeida", "Andersson", "Becker", "Bergman", "Bianchi", "Boateng",
    "Carlsen", "Castro", "Costa", "Dahl", "Demir", "Dubois", "Eriksen", "Fischer", "Fontaine",
    "Garcia", "Hagen", "Haddad", "Hansen", "Hoffmann", "Ito", "Jansen", "Johansson", "Kaya",
    "Keller", "Khan", "Kowalska", "Kumar", "Larsen", "Laurent", "Lehmann", "Lopez", "Lund",
    "Marchetti", "Martins", "Mori", "Moreau", "Nakamura", "Navarro", "Nguyen", "Nilsson", "Novak",
    "Nowak", "Okafor", "Oliveira", "Olsen", "Osman", "Patel", "Pereira", "Petrov", "Quist",
    "Ricci", "Romero", "Rossi", "Rahman", "Sandberg", "Santos", "Sato", "Schmidt", "Silva", "Smit",
    "Sorensen", "Strand", "Svensson", "Tanaka", "Thomsen", "Torres", "Vargas", "Vinter", "Visser",
    "Voss", "Weber", "Wolf", "Zeman",
)
# fmt: on
NAME_TAILS = (
    "",
    "",
    "",
    "_photo",
    "_film",
    ".35mm",
    "_shoots",
    "_pics",
    "_sees",
    "_light",
    "24",
    "84",
    "_iso400",
)
NOTES = (
    "",
    "",
    "Film, mostly.",
    "Slow photography and fast coffee.",
    "Weekends outside.",
    "Mostly birds, sometimes people.",
    "Analog beginner.",
    "Street & night.",
    "Just here to look.",
    "Dogs, mountains, dogs in mountains.",
    "Phone photos only.",
    "Printmaker.",
)

LIGHT_WORDS = {
    "dawn": "in pink morning light",
    "golden": "in low golden light",
    "ember": "under a burning evening sky",
    "blue": "at the blue hour",
    "overcast": "under an even grey sky",
    "mist": "in pale mist",
    "teal": "in cold green light",
    "violet": "in violet dusk",
    "winter": "on a clear winter day",
    "night": "at night",
    "storm": "under storm clouds",
    "noon": "in bright daylight",
}

# For each kind of scene: the hours it is taken at, the months it belongs to, captions, hashtags, an alt text.
KINDS: dict[str, tuple[tuple[str, ...], tuple[int, ...], tuple[str, ...], tuple[str, ...], str]] = {
    "mountains": (
        ("dawn", "violet", "golden", "teal"),
        tuple(range(3, 12)),
        (
            "Five ranges, one cup of coffee.",
            "Counted the ridges until the sun took them away.",
            "First light over the ranges. Nobody else up here.",
            "Layers. I could look at this all day.",
            "Slept badly, woke up to this.",
        ),
        ("mountains", "hiking", "layers", "landscape"),
        "Mountain ranges one behind the other, paler towards the horizon",
    ),
    "peaks": (
        ("winter", "dawn", "ember"),
        (11, 12, 1, 2, 3, 4, 5),
        (
            "The big ones came out of the cloud for ten minutes.",
            "Snow line down to the pines already.",
            "Turned back just below the saddle. The mountain stays.",
            "Last sun on the wall.",
        ),
        ("mountains", "snow", "alpine", "winter"),
        "High snowy peaks above a dark line of pines",
    ),
    "dunes": (
        ("golden", "ember", "dawn"),
        (4, 5, 6, 9, 10),
        (
            "Wind did the composing.",
            "Sand everywhere. Worth it.",
            "Walked two hours to find a dune without footprints, then made some.",
            "Lines & light.",
        ),
        ("dunes", "desert", "sand", "minimal"),
        "Sand dunes with one side lit and the other in deep shade",
    ),
    "seaside": (
        ("ember", "golden", "teal", "violet"),
        tuple(range(4, 11)),
        (
            "The sea was quiet, for once.",
            "Swam first, photographed after.",
            "Last ferry gone. Had the whole bay to myself.",
            "Evening on the rocks at Tj\u00f6rn.",
            "A path of light, all the way to the horizon.",
        ),
        ("sea", "sunset", "westcoast", "bohusl\u00e4n"),
        "The sun low over a calm sea, its reflection reaching to dark rocks in front",
    ),
    "shore": (
        ("overcast", "mist", "violet", "storm"),
        tuple(range(1, 13)),
        (
            "Four minutes, f/11.",
            "What is left of the old jetty.",
            "Long exposure, short lunch.",
            "The posts have been here longer than the village.",
        ),
        ("longexposure", "minimal", "sea", "bnw"),
        "A row of old wooden posts runs out into smooth water",
    ),
    "lake": (
        ("dawn", "blue", "teal", "winter"),
        tuple(range(4, 12)),
        (
            "Not a breath of wind.",
            "Which half is the right way up?",
            "5:12 in the morning. The lake was still asleep.",
            "Mirror, mirror.",
        ),
        ("lake", "reflection", "morning", "landscape"),
        "Mountains mirrored in a still lake with mist on the far bank",
    ),
    "forest": (
        ("mist", "teal", "overcast"),
        (9, 10, 11, 12, 1, 2, 3),
        (
            "Fog & pines, my favourite kind of nothing.",
            "The forest breathes.",
            "Could hear the capercaillie, never saw it.",
            "Everything dripping.",
        ),
        ("forest", "fog", "trees", "moody"),
        "Rows of conifers that fade into fog",
    ),
    "lone_tree": (
        ("mist", "golden", "winter", "violet"),
        (11, 12, 1, 2, 3, 10),
        (
            "My old friend on the hill. Year three.",
            "One tree, no plan.",
            "I drive past it every week. Today I stopped.",
            "It lost a branch in the storm. Still standing.",
        ),
        ("tree", "minimal", "alone", "bnw"),
        "A single bare tree on a rise, nothing around it",
    ),
    "winter_hills": (
        ("winter", "dawn"),
        (12, 1, 2, 3),
        (
            "Minus nineteen and not a sound.",
            "Fresh snow over \u00c5re.",
            "The ski tracks are mine, I cloned them out. Sorry.",
            "Blue shade, white light.",
        ),
        ("winter", "snow", "sweden", "cold"),
        "Snowy hills with scattered dark firs, snow in the air",
    ),
    "field": (
        ("golden", "ember"),
        (6, 7, 8, 9),
        (
            "Barley at nine in the evening.",
            "Summer, the short version.",
            "Hay fever edition.",
            "The farmer asked what I was doing. Waiting, I said.",
        ),
        ("summer", "field", "goldenhour", "countryside"),
        "A field of ripe grass against the low sun",
    ),
    "stars": (
        ("night",),
        (8, 9, 10, 11, 1, 2, 3),
        (
            "Somebody left the light on in the hut.",
            "The Milky Way above the ridge, 20 s at ISO 3200.",
            "No moon, no phone signal, no complaints.",
        ),
        ("nightsky", "milkyway", "stars", "astrophotography"),
        "The Milky Way above a dark ridge, one small light below",
    ),
    "aurora": (
        ("night",),
        (9, 10, 11, 12, 1, 2, 3),
        (
            "Kp 6 and clear. Finally!",
            "It started right over the trees & I forgot to focus.",
            "Green curtains over Abisko.",
        ),
        ("aurora", "northernlights", "lapland", "night"),
        "Green northern lights above a dark horizon",
    ),
    "fog_hills": (
        ("golden", "mist", "dawn"),
        (9, 10, 11, 4, 5),
        (
            "Above the fog by minutes.",
            "Valley full of milk.",
            "Somewhere down there is my car.",
            "October, at its best.",
        ),
        ("fog", "hills", "autumn", "morning"),
        "Rolling hills with trees above a valley full of fog",
    ),
    "open_sea": (
        ("storm", "teal", "blue"),
        (10, 11, 12, 1, 2, 3),
        (
            "Eight Beaufort. The ferry still went.",
            "One sail. I hope they had soup.",
            "Wind from the south-west, salt on the lens.",
        ),
        ("sea", "storm", "waves", "moody"),
        "Dark waves under heavy cloud, one small sail on the horizon",
    ),
    "city": (
        ("blue", "violet", "ember"),
        tuple(range(1, 13)),
        (
            "The city turns its lights on.",
            "Blue hour from the other bank.",
            "Everybody going home but me.",
            "Windows. Each one a dinner.",
        ),
        ("city", "bluehour", "skyline", "night"),
        "A skyline with lit windows, mirrored in the river",
    ),
    "harbour": (
        ("dawn", "ember", "golden"),
        tuple(range(3, 12)),
        (
            "Harbour at dawn. The herring boats are out already.",
            "Masts, like handwriting.",
            "Sm\u00f6gen before the tourists.",
            "Boats asleep.",
        ),
        ("harbour", "boats", "morning", "westcoast"),
        "Moored boats with their masts mirrored in still harbour water",
    ),
    "wet_street": (
        ("night", "blue"),
        (9, 10, 11, 12, 1, 2, 3),
        (
            "Rain makes every street better.",
            "Waiting for somebody with an umbrella. Somebody came.",
            "Haga, ten past eleven.",
            "Out of focus on purpose <3",
        ),
        ("street", "night", "rain", "bokeh"),
        "A wet street at night with blurred lights, somebody under an umbrella",
    ),
    "arches": (
        ("overcast", "golden"),
        tuple(range(1, 13)),
        (
            "Patience: 40 minutes for one person in the right place.",
            "Light at the end, as promised.",
            "Under the old arcades.",
        ),
        ("architecture", "bnw", "light", "geometry"),
        "A vaulted passage with a small figure before the light at its end",
    ),
    "bridge": (
        ("mist", "blue", "overcast"),
        tuple(range(1, 13)),
        (
            "The bridge that ends in a cloud.",
            "\u00c4lvsborgsbron, or what the fog left of it.",
            "Half a bridge is enough.",
        ),
        ("bridge", "fog", "g\u00f6teborg", "minimal"),
        "A suspension bridge that disappears into fog over water",
    ),
    "stairs": (
        ("overcast", "golden", "teal"),
        (11, 12, 1, 2, 3, 4),
        (
            "Look down. No, further.",
            "Found in a house that is torn down next month.",
            "92 steps. I counted on the way up.",
        ),
        ("architecture", "stairs", "geometry", "bnw"),
        "A spiral staircase seen from above",
    ),
}

SECOND_LINES = (
    "",
    "",
    "",
    "Fuji X-T4, 23mm.",
    "Leica M6, Portra 400.",
    "One frame, no crop.",
    "From last week's walk with @{friend}.",
    "Print available, write me.",
    "Took me three visits.",
    "Light > gear.",
    "Thank you all for the kind words about the last one!",
    "Inte mitt b\u00e4sta foto, men min b\u00e4sta morgon.",
    "More from this series next week.",
)
COMMON_TAGS = ("photography", "pixelfed", "nordic", "photooftheday", "sweden")

# Comments by language; {kind} is never used, so that every one of them fits every picture.
COMMENTS: dict[str, tuple[str, ...]] = {
    "en": (
        "Stunning light!",
        "This is lovely.",
        "The atmosphere in this one, wow",
        "I could hang this on my wall.",
        "How long was the exposure?",
        "Beautifully composed.",
        "That sky \U0001f60d",
        "Where is this? Would love to go.",
        "So calm.",
        "One of your best, I think.",
        "Love the tones here.",
        "Did you use a filter?",
        "Great eye as always \U0001f44f",
        "I keep coming back to this one.",
        "The mood! The quiet!",
        "What lens was this?",
        "Wow.",
        "Makes me want to get up earlier.",
    ),
    "sv": ("S\u00e5 fint!", "Vilket ljus!", "Underbart foto!", "Var \u00e4r det h\u00e4r?", "Magiskt \u2728"),
    "de": ("Wundersch\u00f6n!", "Tolles Licht.", "Was f\u00fcr eine Stimmung!", "Gro\u00dfartig komponiert."),
    "fr": ("Magnifique !", "Quelle lumi\u00e8re\u2026", "Superbe ambiance, bravo.", "J'adore."),
    "es": ("\u00a1Qu\u00e9 maravilla!", "Preciosa luz.", "Me encanta \u2764\ufe0f"),
    "pt": ("Que foto linda!", "Maravilhosa!"),
    "it": ("Bellissima!", "Che atmosfera!"),
    "nl": ("Prachtig!", "Wat een licht, zeg."),
    "pl": ("Pi\u0119kne!", "Cudowne \u015bwiat\u0142o."),
    "ja": ("\u7f8e\u3057\u3044\u3067\u3059\u306d\uff01", "\u7d20\u6674\u3089\u3057\u3044\u5149"),
}
ANSWERS = (
    "Thank you!",
    "Thanks so much \U0001f64f",
    "Tack!",
    "That means a lot, thank you.",
    "Glad you like it!",
    "So kind of you.",
    "That makes my day!",
    "\u2764\ufe0f",
    "Come along next time!",
    "I was lucky with the light.",
)
ANSWERS_TO = {
    "How long was the exposure?": "About four minutes, with a 10 stop filter.",
    "Where is this? Would love to go.": "An hour north of Gothenburg. Come along next time!",
    "Var \u00e4r det h\u00e4r?": "En timme norr om G\u00f6teborg!",
    "Did you use a filter?": "Only a polariser this time.",
    "What lens was this?": "The 23mm, as nearly always :)",
    "Makes me want to get up earlier.": "Coffee helps, a little.",
}
LAST_WORDS = (
    "Thanks for the answer!",
    "Aha, good to know.",
    "I will try that!",
    "\U0001f44d",
    "Beautiful place.",
    "Would love to!",
)
