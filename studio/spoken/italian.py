"""Italian."""

import re
from collections.abc import Mapping

from studio.spoken.apostrophes import TRAILING, accented
from studio.spoken.numbers import words_of
from studio.spoken.roman import NUMERAL, value
from studio.spoken.rules import Address, Counted, Currency, Rewrite, Rules

_MONTHS = "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre"
MONTHS = tuple(_MONTHS.split())
_SHORT_MONTHS = "|".join(["sett", *(month[:3] for month in MONTHS)])
_plain, _ordinal = words_of("it"), words_of("it", "ordinal")
_MASCULINE_A = {"Luca", "Andrea", "Nicola", "Mattia", "Elia", "Enea", "Papa"}
_FEMININE = (
    "edizione|legislatura|dinastia|guerra|parte|classe|sezione|giornata|serie|armata|legione|repubblica|fase|stagione"
    "|lezione|appendice|divisione|generazione|rivoluzione|crociata|tavola|tabella|figura|tappa|sinfonia"
)
_SHE = (
    r"(?:[Ll]a|[Uu]na|[DdAaNnSs]?(?:ell|all|ull)a|[Qq]uesta|[Qq]uella)"  # what stands before a feminine noun
)
_MASCULINE = (
    "secolo|secoli|capitolo|articolo|volume|libro|atto|canto|grado|concilio|tomo|congresso|municipio|titolo"
)


def _cardinal(number: int) -> str:
    """num2words leaves the accent off in "trecentotrentatré"."""
    return re.sub(r"(?<=\w)tre\b", "tré", _plain(number))


def ordinal(number: int, feminine: bool = False) -> str:
    """ "quattordicesimo", "quattordicesima"."""
    masculine = _ordinal(number)
    return masculine[:-1] + "a" if feminine else masculine


def date(day: int, month: int, year: int | None) -> str:
    """ "primo maggio duemilaventiquattro"."""
    said = f"{'primo' if day == 1 else _cardinal(day)} {MONTHS[month - 1]}"
    return f"{said} {_cardinal(year)}" if year else said


def time(hour: int, minute: int) -> str:
    """ "quindici e trenta"; "una" for one o'clock."""
    hours = "una" if hour == 1 else _cardinal(hour)
    return f"{hours} e {_cardinal(minute)}" if minute else hours


def _roman_before(match: re.Match[str]) -> str:
    feminine = bool(re.fullmatch(_FEMININE, match[2], re.IGNORECASE))
    return f"{ordinal(value(match[1]), feminine)} {match[2]}"


def _roman_after(match: re.Match[str]) -> str:
    article, word = match["article"] or "", match["word"]
    feminine = bool(
        article
        or (word.endswith("a") and word not in _MASCULINE_A)
        or re.fullmatch(_FEMININE, word, re.IGNORECASE)
    )
    return f"{article}{word} {ordinal(value(match['numeral']), feminine)}"


def _hour(match: re.Match[str]) -> str:
    return f"{match[1]} {time(int(match[2]), int(match[3]))}"


def _one_o_clock(match: re.Match[str]) -> str:
    """ "alle 1:30" is said "all'una e trenta"."""
    return match[1][:-1] + "'" + time(1, int(match[2] or 0))


_REWRITES: tuple[Rewrite, ...] = (
    (re.compile(r"\b([Aa]lle|[Dd]alle) 0?1[:.]([0-5]\d)(?!\d)"), _one_o_clock),
    (re.compile(r"\b([Oo]re|[Aa]lle|[Dd]alle|[Ll]e) ([01]?\d|2[0-4])[.:]([0-5]\d)(?![.:]?\d)"), _hour),
    (re.compile(rf"\b({NUMERAL})(?:°|º)? ({_MASCULINE}|{_FEMININE})\b"), _roman_before),
    (
        re.compile(rf"(?P<article>(?!))?\b(?P<word>(?i:{_MASCULINE}|{_FEMININE})) (?P<numeral>{NUMERAL})\b"),
        _roman_after,
    ),
    (
        re.compile(
            rf"(?P<article>\b{_SHE} )?\b(?P<word>[A-Z][a-zà-ù]{{2,}}) (?P<numeral>(?=[IVX]){NUMERAL})\b(?!')"
        ),
        _roman_after,
    ),
    (re.compile(r"\be/o\b"), lambda match: "e o"),
)


def _thousands(match: re.Match[str]) -> str:
    """ "50mila" is one number: its digits, to be read as any other's."""
    whole, _, part = match[1].partition(",")
    return str(int(whole) * 1000 + int(part.ljust(3, "0")))


def _short_month(match: re.Match[str]) -> str:
    full = next(month for month in MONTHS if month.startswith(match[2].lower()))
    return f"{match[1]} {full}"


# What these mean shows only in what stands beside them.
_SHORTENED: tuple[Rewrite, ...] = (
    (TRAILING, accented),
    (re.compile(rf"\bsec\. (?={NUMERAL}\b)"), lambda match: "secolo "),
    (re.compile(rf"\b({NUMERAL}) sec\."), lambda match: f"{match[1]} secolo"),
    (re.compile(r"\b([DdNnAa]el|[Aa]l|[Ii]l|[Uu]n|[Qq]uesto|[Ss]corso) sec\."), lambda m: f"{m[1]} secolo"),
    (re.compile(r"\b[Cc]\.?[Aa]\.?[Pp]\.(?=\s?\d{5}\b)|\b[Cc]\.[Aa]\.[Pp]\."), lambda match: "CAP"),
    (re.compile(r"\b[Hh]\.? ?(?=(?:[01]?\d|2[0-4])[:.][0-5]\d(?!\d))"), lambda match: "ore "),
    (
        re.compile(rf"\b(\d{{1,2}}[°º]?) ({_SHORT_MONTHS})(?:\.|\b)(?=\s+\d{{4}}\b)", re.IGNORECASE),
        _short_month,
    ),
    (re.compile(rf"\b(\d{{1,2}}[°º]?) ({_SHORT_MONTHS})\.", re.IGNORECASE), _short_month),
    (re.compile(r"(?<![\w.,])(\d{1,3}(?:,\d{1,3})?) ?mila\b"), _thousands),
)


def _both_cases(titles: Mapping[str, str]) -> dict[str, str]:
    """Titles are written with and without a capital."""
    capital = {short[0].upper() + short[1:]: full[0].upper() + full[1:] for short, full in titles.items()}
    return {**titles, **capital}


_ABBREVIATIONS = {
    **_both_cases(
        {
            "sig.": "signor", "sig.ra": "signora", "sig.na": "signorina", "sigg.": "signori",
            "dott.": "dottor", "dott.ssa": "dottoressa", "dr.": "dottor", "dr.ssa": "dottoressa",
            "prof.": "professor", "prof.ssa": "professoressa", "ing.": "ingegner", "avv.": "avvocato",
            "arch.": "architetto", "geom.": "geometra", "rag.": "ragionier", "on.": "onorevole",
            "sen.": "senatore", "mons.": "monsignor", "egr.": "egregio", "gent.mo": "gentilissimo",
            "gent.ma": "gentilissima", "spett.": "spettabile", "spett.le": "spettabile", "ill.mo": "illustrissimo",
            "ecc.": "eccetera", "etc.": "eccetera", "es.": "esempio", "p.es.": "per esempio", "ad es.": "ad esempio",
            "tel.": "telefono", "cell.": "cellulare", "pag.": "pagina", "pagg.": "pagine", "cap.": "capitolo",
            "art.": "articolo", "artt.": "articoli", "num.": "numero", "vol.": "volume", "fig.": "figura",
            "tab.": "tabella", "cfr.": "confronta", "ca.": "circa", "c.a.": "circa", "int.": "interno",
            "v.le": "viale", "p.zza": "piazza", "c.so": "corso", "l.go": "largo", "c/c": "conto corrente",
            "c/o": "presso", "all.": "allegato", "min.": "minuti", "sec.": "secondi", "max.": "massimo",
        }
    ),
    "a.C.": "avanti Cristo", "d.C.": "dopo Cristo", "S.p.A.": "società per azioni", "N.B.": "nota bene",
    "S.r.l.": "società a responsabilità limitata", "P.IVA": "partita IVA", "P. IVA": "partita IVA",
    "p.v.": "prossimo venturo", "u.s.": "ultimo scorso", "F.lli": "fratelli",
}  # fmt: skip

_EURO = Currency(Counted("euro", "euro", "un"), Counted("centesimo", "centesimi", "un"), name_cents=False)
_DOLLAR = Currency(
    Counted("dollaro", "dollari", "un"), Counted("centesimo", "centesimi", "un"), name_cents=False
)
_POUND = Currency(Counted("sterlina", "sterline", "una"), Counted("penny", "penny", "un"), name_cents=False)
_YEN = Currency(Counted("yen", "yen", "uno"), Counted("sen", "sen", "un"), name_cents=False)
_FRANC = Currency(
    Counted("franco svizzero", "franchi svizzeri", "un"), Counted("centesimo", "centesimi", "un"), False
)


def _un(one: str, many: str) -> Counted:
    return Counted(one, many, "un")


_UNITS = {
    "km": _un("chilometro", "chilometri"), "m": _un("metro", "metri"), "cm": _un("centimetro", "centimetri"),
    "mm": _un("millimetro", "millimetri"), "kg": _un("chilogrammo", "chilogrammi"), "g": _un("grammo", "grammi"),
    "Kg": _un("chilogrammo", "chilogrammi"), "mg": _un("milligrammo", "milligrammi"), "hg": _un("etto", "etti"),
    "l": _un("litro", "litri"), "L": _un("litro", "litri"), "ml": _un("millilitro", "millilitri"),
    "cl": _un("centilitro", "centilitri"), "km/h": _un("chilometro orario", "chilometri orari"),
    "m/s": _un("metro al secondo", "metri al secondo"), "kWh": _un("chilowattora", "chilowattora"),
    "kW": _un("chilowatt", "chilowatt"), "W": _un("watt", "watt"), "V": _un("volt", "volt"),
    "Hz": _un("hertz", "hertz"), "kHz": _un("chilohertz", "chilohertz"), "MHz": _un("megahertz", "megahertz"),
    "GHz": _un("gigahertz", "gigahertz"), "kB": _un("chilobyte", "chilobyte"), "MB": _un("megabyte", "megabyte"),
    "GB": _un("gigabyte", "gigabyte"), "TB": _un("terabyte", "terabyte"), "h": Counted("ora", "ore", "un'"),
    "ora": Counted("ora", "ore", "un'"), "min": _un("minuto", "minuti"), "s": _un("secondo", "secondi"),
    "ms": _un("millisecondo", "millisecondi"), "°C": _un("grado", "gradi"), "° C": _un("grado", "gradi"),
    "°F": _un("grado Fahrenheit", "gradi Fahrenheit"), "m²": _un("metro quadrato", "metri quadrati"),
    "m2": _un("metro quadrato", "metri quadrati"), "mq": _un("metro quadro", "metri quadri"),
    "km²": _un("chilometro quadrato", "chilometri quadrati"), "km2": _un("chilometro quadrato", "chilometri quadrati"),
    "m³": _un("metro cubo", "metri cubi"), "m3": _un("metro cubo", "metri cubi"), "mc": _un("metro cubo", "metri cubi"),
    "ha": _un("ettaro", "ettari"), "dB": _un("decibel", "decibel"), "giorno": _un("giorno", "giorni"),
    "anno": _un("anno", "anni"), "mese": _un("mese", "mesi"), "settimana": Counted("settimana", "settimane", "una"),
    "minuto": _un("minuto", "minuti"), "secondo": _un("secondo", "secondi"), "volta": Counted("volta", "volte", "una"),
}  # fmt: skip

RULES = Rules(
    code="it",
    number=_cardinal,
    ordinal=ordinal,
    date=date,
    time=time,
    year=_cardinal,
    months=MONTHS,
    decimal_mark=",",
    comma="virgola",
    minus="meno",
    plus="più",
    percent="per cento",
    per_mille="per mille",
    degrees="gradi",
    and_="e",
    range_=lambda low, high: f"{low} a {high}",
    address=Address("chiocciola", "punto", "barra", "trattino", "trattino basso", "vu vu vu"),
    currencies={
        "€": _EURO, "EUR": _EURO, "euro": _EURO, "Euro": _EURO, "$": _DOLLAR, "USD": _DOLLAR, "£": _POUND,
        "GBP": _POUND, "¥": _YEN, "CHF": _FRANC,
    },
    units=_UNITS,
    signs={
        "&": "e", "+": "più", "=": "uguale", "@": "chiocciola", "#": "cancelletto", "*": "asterisco", "%": "per cento",
        "€": "euro", "$": "dollari", "£": "sterline", "°": "gradi", "§": "paragrafo", "/": "barra", "‰": "per mille",
    },
    abbreviations=_ABBREVIATIONS,
    before_number={
        "n.": "numero", "N.": "numero", "n°": "numero", "nº": "numero", "N°": "numero", "nr.": "numero",
        "p.": "pagina", "pp.": "pagine", "co.": "comma", "nn.": "numeri", "§": "paragrafo",
    },
    ends_sentence=frozenset({"ecc.", "etc.", "Ecc.", "a.C.", "d.C.", "S.p.A.", "S.r.l.", "p.v.", "u.s."}),
    scales={
        "mln": _un("milione", "milioni"), "mld": _un("miliardo", "miliardi"), "Mln": _un("milione", "milioni"),
        "Mld": _un("miliardo", "miliardi"), "milioni di": _un("milione", "milioni"),
        "miliardi di": _un("miliardo", "miliardi"),
    },
    fractions={
        "1/2": "un mezzo", "1/3": "un terzo", "2/3": "due terzi", "1/4": "un quarto", "3/4": "tre quarti", "/": "su",
    },
    squared="al quadrato",
    cubed="al cubo",
    shortened=_SHORTENED,
    before=_REWRITES,
)  # fmt: skip
