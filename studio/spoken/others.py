"""Spanish, French, Portuguese and German; and numbers alone for the other languages."""

import re

from studio.spoken.numbers import words_of
from studio.spoken.rules import Address, Counted, Currency, Rules


def _made(
    code: str,
    months: str,
    words: dict[str, str],
    address: Address,
    abbreviations: dict[str, str],
    *,
    date_link: str = " ",
    first: str = "",
    hour: str = "{h} {m}",
    feminine: tuple[str, str] = ("", ""),
    date_ending: str = "",
) -> Rules:
    """Rules of a language that writes decimals with a comma, from its words."""
    number, nth = words_of(code), words_of(code, "ordinal")
    say_year = words_of(code, "year") if code == "de" else number
    names = tuple(months.split())

    def ordinal(n: int, female: bool) -> str:
        said = nth(n)
        return (
            " ".join(re.sub(rf"{feminine[0]}$", feminine[1], word) for word in said.split())
            if female
            else said
        )

    def date(day: int, month: int, year: int | None) -> str:
        spoken_day = nth(day) + date_ending if date_ending else first if day == 1 and first else number(day)
        said = [spoken_day, names[month - 1]]
        return date_link.join([*said, say_year(year)] if year else said)

    def time(hours: int, minutes: int) -> str:
        return hour.format(h=number(hours), m=number(minutes) if minutes else "").strip()

    euro = Currency(Counted("euro", words["euros"]), Counted("cent", words["cents"]), name_cents=False)
    dollar = Currency(Counted(words["dollar"], words["dollars"]), Counted("cent", words["cents"]), False)
    pound = Currency(Counted(words["pound"], words["pounds"]), Counted("penny", "pence"), False)
    measures = ("km", "m", "cm", "kg", "g", "km/h", "°C")
    units: dict[str, Counted] = {key: Counted(*words[key].split("|")) for key in measures}
    return Rules(
        code=code, number=number, ordinal=ordinal, date=date, time=time, year=say_year, months=names,
        decimal_mark=",", comma=words["comma"], minus=words["minus"], plus=words["plus"],
        percent=words["percent"], per_mille=words["per_mille"], degrees=words["degrees"], and_=words["and"],
        range_=lambda low, high: f"{low} {words['to']} {high}", address=address,
        currencies={"€": euro, "EUR": euro, "$": dollar, "USD": dollar, "£": pound, "GBP": pound},
        units=units, abbreviations=abbreviations,
        signs={
            "&": words["and"], "+": words["plus"], "=": words["equals"], "@": address.at, "%": words["percent"],
            "€": words["euros"], "$": words["dollars"], "£": words["pounds"], "°": words["degrees"],
            "/": address.slash, "#": words["hash"], "*": words["star"], "‰": words["per_mille"],
        },
        fractions={"1/2": words["half"], "/": words["over"]},
        before_number={"n.": words["number"], "n°": words["number"], "nº": words["number"], "Nr.": words["number"]},
        ends_sentence=frozenset({"etc.", "usw."}),
    )  # fmt: skip


SPANISH = _made(
    "es",
    "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
    {
        "euros": "euros", "cents": "céntimos", "dollar": "dólar", "dollars": "dólares", "pound": "libra",
        "pounds": "libras", "comma": "coma", "minus": "menos", "plus": "más", "percent": "por ciento",
        "per_mille": "por mil", "degrees": "grados", "and": "y", "to": "a", "equals": "igual a",
        "hash": "almohadilla", "star": "asterisco", "half": "un medio", "over": "entre", "number": "número",
        "km": "kilómetro|kilómetros", "m": "metro|metros", "cm": "centímetro|centímetros", "kg": "kilo|kilos",
        "g": "gramo|gramos", "km/h": "kilómetro por hora|kilómetros por hora", "°C": "grado|grados",
    },
    Address("arroba", "punto", "barra", "guion", "guion bajo", "uve doble uve doble uve doble"),
    {"Sr.": "señor", "Sra.": "señora", "Srta.": "señorita", "Dr.": "doctor", "Dra.": "doctora", "etc.": "etcétera",
     "Ud.": "usted", "Uds.": "ustedes", "tel.": "teléfono", "pág.": "página", "p. ej.": "por ejemplo"},
    date_link=" de ",
    hour="{h} y {m}",
    feminine=("o", "a"),
)  # fmt: skip

FRENCH = _made(
    "fr",
    "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    {
        "euros": "euros", "cents": "centimes", "dollar": "dollar", "dollars": "dollars", "pound": "livre",
        "pounds": "livres", "comma": "virgule", "minus": "moins", "plus": "plus", "percent": "pour cent",
        "per_mille": "pour mille", "degrees": "degrés", "and": "et", "to": "à", "equals": "égale", "hash": "dièse",
        "star": "étoile", "half": "un demi", "over": "sur", "number": "numéro", "km": "kilomètre|kilomètres",
        "m": "mètre|mètres", "cm": "centimètre|centimètres", "kg": "kilo|kilos", "g": "gramme|grammes",
        "km/h": "kilomètre à l'heure|kilomètres à l'heure", "°C": "degré|degrés",
    },
    Address("arobase", "point", "barre oblique", "tiret", "tiret bas", "trois double vé"),
    {"M.": "monsieur", "Mme": "madame", "Mlle": "mademoiselle", "Dr": "docteur", "etc.": "et cetera",
     "p. ex.": "par exemple", "tél.": "téléphone"},
    first="premier",
    hour="{h} heures {m}",
    feminine=("ier", "ière"),
)  # fmt: skip

PORTUGUESE = _made(
    "pt",
    "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro",
    {
        "euros": "euros", "cents": "cêntimos", "dollar": "dólar", "dollars": "dólares", "pound": "libra",
        "pounds": "libras", "comma": "vírgula", "minus": "menos", "plus": "mais", "percent": "por cento",
        "per_mille": "por mil", "degrees": "graus", "and": "e", "to": "a", "equals": "igual a",
        "hash": "cardinal", "star": "asterisco", "half": "um meio", "over": "sobre", "number": "número",
        "km": "quilómetro|quilómetros", "m": "metro|metros", "cm": "centímetro|centímetros", "kg": "quilo|quilos",
        "g": "grama|gramas", "km/h": "quilómetro por hora|quilómetros por hora", "°C": "grau|graus",
    },
    Address("arroba", "ponto", "barra", "hífen", "sublinhado", "dáblio dáblio dáblio"),
    {"Sr.": "senhor", "Sra.": "senhora", "Dr.": "doutor", "Dra.": "doutora", "etc.": "et cetera",
     "tel.": "telefone", "pág.": "página"},
    date_link=" de ",
    hour="{h} e {m}",
    feminine=("o", "a"),
)  # fmt: skip

GERMAN = _made(
    "de",
    "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
    {
        "euros": "Euro", "cents": "Cent", "dollar": "Dollar", "dollars": "Dollar", "pound": "Pfund",
        "pounds": "Pfund", "comma": "Komma", "minus": "minus", "plus": "plus", "percent": "Prozent",
        "per_mille": "Promille", "degrees": "Grad", "and": "und", "to": "bis", "equals": "gleich",
        "hash": "Raute", "star": "Stern", "half": "ein halb", "over": "durch", "number": "Nummer",
        "km": "Kilometer|Kilometer", "m": "Meter|Meter", "cm": "Zentimeter|Zentimeter", "kg": "Kilo|Kilo",
        "g": "Gramm|Gramm", "km/h": "Stundenkilometer|Stundenkilometer", "°C": "Grad|Grad",
    },
    Address("ät", "Punkt", "Schrägstrich", "Bindestrich", "Unterstrich", "we we we"),
    {"Hr.": "Herr", "Fr.": "Frau", "Dr.": "Doktor", "Prof.": "Professor", "z.B.": "zum Beispiel",
     "z. B.": "zum Beispiel", "usw.": "und so weiter", "bzw.": "beziehungsweise", "ca.": "circa", "Tel.": "Telefon",
     "d.h.": "das heißt", "Str.": "Straße", "etc.": "et cetera"},
    hour="{h} Uhr {m}",
    date_ending="n",
)  # fmt: skip


def numbers_only(code: str, spoken_by: str, decimal_mark: str, comma: str) -> Rules:
    """Rules for a language of which only the numbers are known: other signs become pauses or nothing."""
    number, space = words_of(spoken_by), Address(" ", " ", " ", " ", " ", " ")
    return Rules(
        code=code, number=number, ordinal=lambda n, _: number(n), year=number, months=("\0",),
        date=lambda day, month, year: " ".join(number(n) for n in (day, month, year) if n),
        time=lambda hour, minute: f"{number(hour)} {number(minute)}" if minute else number(hour),
        decimal_mark=decimal_mark, comma=comma, minus=" ", plus=" ", percent="%", per_mille="‰", degrees=" ",
        and_=" ", range_=lambda low, high: f"{low}, {high}", address=space,
        currencies={"\0": Currency(Counted("", ""), Counted("", ""))}, units={"\0": Counted("", "")}, signs={"\0": ""},
    )  # fmt: skip
