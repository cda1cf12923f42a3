"""Texts as they are said aloud: each written sign, language by language, and what is refused."""

import pytest

from studio.errors import TextRefused
from studio.synthesis.text import Glossary, check, normalise, prepare

ITALIAN = [
    ("Costa 1.250,75 euro.", "Costa milleduecentocinquanta euro e settantacinque."),
    ("12,50 € e €3", "dodici euro e cinquanta e tre euro"),
    ("1 euro, $1, £2,20, 0,05 €", "un euro, un dollaro, due sterline e venti, cinque centesimi"),
    ("3 mln di euro, € 5 mln", "tre milioni di euro, cinque milioni di euro"),
    ("il 03/04/2024", "il tre aprile duemilaventiquattro"),
    ("il 2024-04-03", "il tre aprile duemilaventiquattro"),
    ("L’8 marzo e il 1° maggio 1999", "L'otto marzo e il primo maggio millenovecentonovantanove"),
    ("l'11/12/2023", "l'undici dicembre duemilaventitré"),
    ("alle 8:05 o alle ore 15.30.", "alle otto e cinque o alle ore quindici e trenta."),
    ("alle 1:30, alle 15:00", "all'una e trenta, alle quindici"),
    ("il 25% o il 3,5 %", "il venticinque per cento o il tre virgola cinque per cento"),
    ("2,005 e 3.14", "due virgola zero zero cinque e tre virgola quattordici"),
    ("1.234.567 persone", "un milione e duecentotrentaquattromilacinquecentosessantasette persone"),
    ("il 333 123 4567", "il tre tre tre, uno due tre, quattro cinque sei sette"),
    ("+39 06 1234 5678", "più tre nove, zero sei, uno due tre quattro, cinque sei sette otto"),
    ("il 3331234567", "il tre tre tre, uno due tre, quattro cinque sei sette"),
    ("codice 007", "codice zero zero sette"),
    ("la 3ª volta, il 2º posto", "la terza volta, il secondo posto"),
    (
        "-5 °C, 120 km/h, 1 kg, 80 m²",
        "meno cinque gradi, centoventi chilometri orari, un chilogrammo, ottanta metri quadrati",
    ),
    ("1 ora, 21 anni", "un'ora, ventuno anni"),
    ("Il Sig. Rossi e la Dott.ssa Bianchi", "Il Signor Rossi e la Dottoressa Bianchi"),
    ("n. 5, art. 12, pag. 7, ecc.", "numero cinque, articolo dodici, pagina sette, eccetera."),
    ("pane, latte, ecc. Poi basta.", "pane, latte, eccetera. Poi basta."),
    ("nel 44 a.C. Cesare", "nel quarantaquattro avanti Cristo. Cesare"),
    ("Nel XIV secolo", "Nel quattordicesimo secolo"),
    ("Luigi XIV ed Elisabetta II", "Luigi quattordicesimo ed Elisabetta seconda"),
    ("Papa Giovanni XXIII.", "Papa Giovanni ventitreesimo."),
    ("il capitolo IV, la II guerra", "il capitolo quarto, la seconda guerra"),
    ("mario.rossi88@example.it", "mario punto rossi ottantotto chiocciola example punto it"),
    ("https://www.sito.it/pagina-1.", "vu vu vu punto sito punto it barra pagina trattino uno."),
    ("COVID-19, A4, mp3", "COVID diciannove, A quattro, mp tre"),
    ("versione 1.2.3", "versione uno punto due punto tre"),
    ("3/4 e ½", "tre quarti e un mezzo"),
    ("10-15 minuti, 5–7 kg", "dieci a quindici minuti, cinque a sette chilogrammi"),
    ("e/o R&D, premi #", "e o R e D, premi cancelletto"),
    ("«Ciao» disse — poi…  uscì!!!", '"Ciao" disse, poi… uscì!'),
    ("Ciao 😀 mondo", "Ciao mondo"),
    ("- uno\n- due\n\nFine", "uno. due. Fine"),
    ("una riga che\nva a capo", "una riga che va a capo"),
    ("La RAI, l’ENEL e la NATO", "La RAI, l'ENEL e la NATO"),
    ("mi libro di vivi civili", "mi libro di vivi civili"),
    ("E' vero, perche' la citta' e' un po' piu' grande", "È vero, perché la città è un po' più grande"),
    ("CITTA', ventitre' caffe', ne' io ne' tu", "CITTÀ, ventitré caffè, né io né tu"),
    ("ha detto 'la casa' e 'la citta'", "ha detto 'la casa' e 'la città"),
    ("va', fa' a mo' di prova", "va', fa' a mo' di prova"),
    ("50mila euro, 500 mila, 1,5 mila e 1mila", "cinquantamila euro, cinquecentomila, millecinquecento e mille"),
    ("nel sec. XIX, nel II sec. a.C., 10 sec.",
     "nel secolo diciannovesimo, nel secondo secolo avanti Cristo, dieci secondi."),
    ("il c.a.p. 00100, p. 3", "il CAP zero zero uno zero zero, pagina tre"),
    ("h 15:30, alle h. 8.05", "ore quindici e trenta, alle ore otto e cinque"),
    ("la Fase II, la fase III, della Regione IV, il Capitolo II",
     "la Fase seconda, la fase terza, della Regione quarta, il Capitolo secondo"),
    ("il 22 gen. 2024 e il 3 sett. scorso", "il ventidue gennaio duemilaventiquattro e il tre settembre scorso"),
    ("costa 1,50 €", "costa un euro e cinquanta"),
]  # fmt: skip
ENGLISH = [
    ("$12.50 and £1", "twelve dollars and fifty cents and one pound"),
    ("$5 million, $0.99", "five million dollars, ninety-nine cents"),
    ("on 03/04/2024", "on March fourth, twenty twenty-four"),
    ("on March 3rd, 2024", "on March third, twenty twenty-four"),
    ("on 4 July 1776", "on July fourth, seventeen seventy-six"),
    ("at 3:30 pm, 9 a.m.", "at three thirty p m, nine a m."),
    ("at 15:05", "at fifteen oh five"),
    ("in 1984, the 1990s", "in nineteen eighty-four, the nineteen nineties"),
    ("3.14% of 1,234", "three point one four percent of one thousand two hundred and thirty-four"),
    ("the 21st century", "the twenty-first century"),
    ("World War II, Louis XIV", "World War two, Louis the fourteenth"),
    ("When I go, I see", "When I go, I see"),
    ("Mr. Smith, No. 5", "Mister Smith, number five"),
    ("call (555) 123-4567", "call five five five, one two three, four five six seven"),
    ("info@example.com", "info at example dot com"),
    ("10-15 min, 5 lbs", "ten to fifteen minutes, five pounds"),
]
OTHERS = [
    ("es", "12,50 € el 3/4/2024", "doce euros y cincuenta el tres de abril de dos mil veinticuatro"),
    ("fr", "le 1/4/2024 à 15:30", "le premier avril deux mille vingt-quatre à quinze heures trente"),
    ("fr", "1 000 000 d'habitants", "un million d'habitants"),
    ("pt", "25 % em 3/4/2024", "vinte e cinco por cento em três de abril de dois mil e vinte e quatro"),
    ("de", "am 3.4.2024 um 15:30", "am dritten April zweitausendvierundzwanzig um fünfzehn Uhr dreißig"),
    ("ru", "25 рублей", "двадцать пять рублей"),
    ("nl", "3,5 liter", "drie komma vijf liter"),
    ("zh", "我有3个苹果。", "我有3个苹果。"),
]


@pytest.mark.parametrize(("written", "said"), ITALIAN)
def test_italian_is_said_as_italians_say_it(written, said):
    assert normalise(written, "it") == said


@pytest.mark.parametrize(("written", "said"), ENGLISH)
def test_english_is_said_as_english_speakers_say_it(written, said):
    assert normalise(written, "en") == said


@pytest.mark.parametrize(("language", "written", "said"), OTHERS)
def test_other_languages_say_numbers_in_their_own_words(language, written, said):
    assert normalise(written, language) == said


@pytest.mark.parametrize("said", [said for _, said in ITALIAN])
def test_what_is_said_already_stays_as_it_is(said):
    assert normalise(said, "it") == said


def test_decomposed_accents_are_composed():
    assert normalise("perche\u0301 e\u0300", "it") == "perché è"


@pytest.mark.parametrize(
    ("text", "language", "key"),
    [
        ("", "it", "text.empty"),
        (" \n\t ", "it", "text.empty"),
        ("😀🎉", "it", "text.nothing_to_say"),
        ("?!... —", "en", "text.nothing_to_say"),
        ("a" * 100_000, "it", "text.too_long"),
        ("parola " * 1_429, "it", "text.too_long"),
        ("ciao\x00mondo", "it", "text.control_character"),
        ("ciao\ue000", "it", "text.control_character"),
        ("你好，我叫小明，很高兴认识你", "it", "text.script"),
        ("Привет, как дела?", "en", "text.script"),
        ("Ciao, come stai oggi?", "ru", "text.script"),
        ("Saluton", "eo", "text.language"),
    ],
)
def test_what_cannot_be_spoken_is_refused(text, language, key):
    with pytest.raises(TextRefused) as refused:
        prepare(text, language, 200)
    assert refused.value.key == key
    assert refused.value.text("it") != refused.value.text("en")


def test_a_foreign_name_or_brand_is_not_a_wrong_script():
    check("Mi piace il sushi, in giapponese 寿司, da quando ero bambino", "it")
    check("Я работаю в Google и Microsoft", "ru")


def test_regional_codes_are_their_language():
    assert normalise("3", "it-IT") == "tre" and normalise("3", "EN_us") == "three"


def test_glossary_replaces_whole_words_only_and_each_once():
    glossary = Glossary({"Wi-Fi": "uai fai", "sql": "esse cu elle", "esse": "no"})
    said = glossary.apply("Wi-Fi e Sql, mysql no")
    assert said == "uai fai e esse cu elle, mysql no"


def test_prepare_applies_the_glossary_and_joins_up_to_the_whole():
    prepared = prepare("Il Wi-Fi costa 5 €. Va bene?", "it", 40, glossary=Glossary({"Wi-Fi": "uai fai"}))
    assert prepared.normalised == "Il uai fai costa cinque euro. Va bene?"
    assert " ".join(prepared.chunks) == prepared.normalised
