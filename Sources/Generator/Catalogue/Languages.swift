/// A language of the catalogue: its code and the syllables from which its words are made.
struct Language {
  let code: StaticString
  /// How much of the catalogue it is.
  let weight: Double
  /// In Latin letters, as most titles are written.
  let latin: [StaticString]
  /// In the language's own script; empty where that is Latin.
  let native: [StaticString]

  static let all: [Language] = [
    Language(
      code: "hi", weight: 20,
      latin: ["ra", "ni", "mo", "dil", "sa", "ya", "tar", "na", "ke", "pri", "chan", "du", "ja", "vi", "lo"],
      native: ["रा", "नि", "मो", "ही", "सा", "या", "तर", "ना", "के", "प्रि", "चं", "दु", "जा", "वि", "लो", "मे"]),
    Language(
      code: "en", weight: 20,
      latin: ["ver", "lo", "mid", "nor", "sil", "wen", "ter", "ash", "mar", "low", "el", "den", "bri", "oak", "fen"],
      native: []),
    Language(
      code: "ta", weight: 10,
      latin: ["tha", "mi", "zha", "kan", "nal", "vel", "mu", "ru", "ga", "ni", "pan", "oli"],
      native: ["த", "மி", "ழ", "கண்", "நல்", "வேல்", "மு", "ரு", "க", "னி", "பன்", "ஒலி"]),
    Language(
      code: "te", weight: 9,
      latin: ["te", "lu", "gu", "ma", "na", "su", "ra", "gam", "vi", "ka", "la", "pa"],
      native: ["తె", "లు", "గు", "మ", "న", "సు", "రా", "గం", "వి", "క", "లా", "ప"]),
    Language(
      code: "pa", weight: 8,
      latin: ["jat", "so", "hni", "pun", "jaa", "bi", "chan", "nu", "gal", "raa", "ve", "kud"],
      native: ["ਪੰ", "ਜਾ", "ਬੀ", "ਦਿ", "ਲ", "ਸੋ", "ਹ", "ਣੀ", "ਚੰ", "ਨ", "ਰਾ"]),
    Language(
      code: "kn", weight: 5, latin: ["kan", "na", "da", "ma", "ne", "hu", "vu", "ra", "ga", "si", "ri"],
      native: ["ಕ", "ನ್ನ", "ಡ", "ಮ", "ನೆ", "ಹೂ", "ವು", "ರಾ", "ಗ", "ಸಿ", "ರಿ"]),
    Language(
      code: "ml", weight: 5, latin: ["ma", "la", "yaa", "lam", "poo", "va", "ni", "laa", "ka", "tha", "raa"],
      native: ["മ", "ല", "യാ", "ളം", "പൂ", "വ", "നി", "ലാ", "ക", "ഥ", "രാ"]),
    Language(
      code: "bn", weight: 4, latin: ["ba", "ng", "la", "mon", "aa", "ka", "sh", "no", "di", "su", "ro"],
      native: ["বাং", "লা", "ম", "ন", "আ", "কা", "শ", "ন", "দী", "সু", "র"]),
    Language(
      code: "gu", weight: 3, latin: ["gu", "ja", "ra", "ta", "ma", "na", "li", "pri", "saa", "ga"],
      native: ["ગુ", "જ", "રા", "ત", "મ", "ન", "લી", "પ્રી", "સા", "ગ"]),
    Language(
      code: "mr", weight: 3, latin: ["aa", "bha", "maa", "jhe", "ga", "ne", "la", "wa", "ni", "sa"],
      native: ["आ", "भा", "मा", "झे", "गा", "णे", "ला", "व", "नी", "सा"]),
    Language(
      code: "es", weight: 5, latin: ["cora", "zó", "lu", "na", "año", "ce", "vé", "ri", "so", "ñar", "du", "lce"],
      native: []),
    Language(
      code: "ko", weight: 4, latin: ["sa", "rang", "no", "eul", "ba", "da", "ha", "neul", "kkum", "byeol"],
      native: ["사", "랑", "노", "을", "바", "다", "하", "늘", "꿈", "별", "비", "밤"]),
    Language(
      code: "ar", weight: 2, latin: ["ya", "la", "nour", "qa", "mar", "hob", "sa", "ma", "war", "da"],
      native: ["لي", "لى", "قمر", "حب", "نور", "سما", "ورد", "بحر", "يا", "دن"]),
    // Turkish and Greek are there for their letters: İ grows when it is made lowercase, Σ has two lowercase forms.
    Language(
      code: "tr", weight: 1, latin: ["İz", "gü", "neş", "şar", "kı", "ya", "ığ", "dön", "öz", "İl"], native: []),
    Language(
      code: "el", weight: 1, latin: ["kal", "mé", "ra", "tha", "las", "sa"],
      native: ["ΟΔ", "ΟΣ", "φω", "ΑΣ", "θά", "λα", "σσα", "ΝΗ", "μέ", "ρα"]),
  ]
}

/// The genres of the catalogue.
let genreNames: [StaticString] = [
  "Pop", "Rock", "Indie", "Folk", "EDM", "Jazz", "Classical", "Devotional", "Hip-Hop/Rap", "Film", "Lo-fi", "R&B",
]

/// The moods of the catalogue.
let moodNames: [StaticString] = ["chill", "romantic", "focus", "happy", "sleep", "party", "sad", "workout"]
