"""The rule for what is only seen: which columns it may fill, and what its words may say.

A model that is shown a picture always sees something. It counts wrongly, reads signs that aren't there and knows places
and people by their looks, and no text can check it. So what is only seen may describe, and may not state what somebody
relies on: no figure, name or address that no text has. How far names can be told depends on the language: German
writes every noun with a capital, and many scripts have none.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from svp_dagster.models import Evidence
from svp_dagster.notion.schema import Column, ColumnType
from svp_dagster.summary.extractive.patterns import emails, mentions, urls
from svp_dagster.summary.language.moments import weekdays
from svp_dagster.summary.language.names import capitalised_names
from svp_dagster.summary.language.tongues import alike, content_words, guess, word_set
from svp_dagster.summary.support.options import judge_name
from svp_dagster.summary.support.texts import is_another_name, is_stated, misses_figure
from svp_dagster.summary.support.verdicts import Statement, Verdict, Whole
from svp_dagster.summary.words import comparable, sentences

SEEN_CONFIDENCE = 0.5
"""Highest confidence of what is only seen."""

_WHY_NOT = {
    ColumnType.NUMBER: "pictures are counted and measured wrongly",
    ColumnType.DATE: "no picture shows its day",
    ColumnType.CHECKBOX: "what would make it true doesn't show",  # vegan, free, open to all
    ColumnType.URL: "an address has to be read letter by letter",
    ColumnType.EMAIL: "an address has to be read letter by letter",
    ColumnType.PHONE_NUMBER: "a telephone number has to be read digit by digit",
    ColumnType.RELATION: "looks prove no name",
    ColumnType.STATUS: "the pictures don't know how far you are",
}
_NO_OPTION = "it is none of the options"
_DENIED = "the text denies it"
_ASKS_FOR_FACT = "this column asks for what has to be said or written"
_UNCONFIRMED = "it has a figure, a name or an address that no text confirms"
_CURRENCIES = re.compile("[$€£¥₹]")
_HALF = 0.5
# What the name of a column asks for that looks don't prove: names, places, addresses, times and amounts.
_FACTS = word_set(
    "name names who person people author artist singer brand maker shop restaurant hotel venue where place location "
    "city town country region address street website link phone contact hours opening when date time duration price "
    "prices cost costs budget amount quantity quantities calories weight size "
    "wer namen autor marke hersteller laden wo ort stadt land adresse strasse offnungszeiten wann datum zeit dauer "
    "preis preise kosten menge mengen kalorien gewicht grosse "
    "nombre quien autora marca tienda donde lugar ciudad pais direccion horario cuando fecha hora precio coste "
    "cantidad nom qui auteur marque magasin lieu ville pays adresse horaires quand heure prix cout quantite "
    "nome chi autore negozio dove luogo citta paese indirizzo orari quando data ora prezzo costo quantita "
    "quem loja onde cidade endereco horarios preco custo quantidade "
    "naam wie auteur merk winkel waar plaats stad adres openingstijden wanneer tijd prijs kosten hoeveelheid"
)

_KINDS = word_set(
    "kind type category categories style genre art typ kategorie kategorien stil tipo categoria estilo categorie "
    "stile soort stijl"
)
"""A column that asks for the kind of a place doesn't ask for the place."""


def objection(column: Column, value: str, seen: Sequence[Evidence], whole: Whole) -> str:
    """Return why a value can't be written that was only seen, or an empty text."""
    shown = usable(seen, whole)
    reason = _WHY_NOT.get(column.type) or _reason(column, value, shown, whole) or ("" if shown else _UNCONFIRMED)
    return f"It was only seen, and {reason}." if reason else ""


def usable(seen: Sequence[Evidence], whole: Whole) -> list[Evidence]:
    """Return the descriptions that can stand on a page themselves."""
    return [item for item in seen if not is_unconfirmed(item.quote, whole)]


def is_unconfirmed(text: str, whole: Whole) -> bool:
    """Return whether a text has a figure, a currency, a weekday, an address or a name that no text of the video has."""
    return _has_unknown_fact(text, whole) or _has_unknown_name(text, whole) or is_another_name(text, whole)


def without_unconfirmed(overview: str, whole: Whole) -> str:
    """Return an overview without the sentences that tell what is only seen and aren't confirmed.

    A sentence with half of its words from the material sums up what was said or written, so it may count in words. One
    in another language than the material's may translate it, names too.
    """
    is_other_language = bool(whole.language) and guess(overview) not in (None, whole.language)
    return " ".join(
        sentence
        for sentence in sentences(overview)
        if not _tells_unconfirmed(sentence, whole, is_other_language=is_other_language)
    )


def _tells_unconfirmed(sentence: str, whole: Whole, *, is_other_language: bool) -> bool:
    has_fact = _has_unknown_figure if _is_from_text(sentence, whole) else _has_unknown_fact
    if has_fact(sentence, whole):
        return True
    return not is_other_language and (_has_unknown_name(sentence, whole) or is_another_name(sentence, whole))


def _reason(column: Column, value: str, shown: Sequence[Evidence], whole: Whole) -> str:
    is_text = column.type in (ColumnType.TITLE, ColumnType.RICH_TEXT)
    asked = set(comparable(column.name).split())
    if column.type is not ColumnType.TITLE and asked & _FACTS and (is_text or not asked & _KINDS):
        return _ASKS_FOR_FACT
    if is_text:
        plain = [comparable(word) for item in shown for word in item.quote.split() if word.islower()]
        is_name = is_another_name(value, whole) and not all(_is_any(word, plain) for word in content_words(value))
        is_wrong = is_name or _has_unknown_fact(value, whole) or _has_unknown_name(value, whole, plain)
        return _UNCONFIRMED if is_wrong else ""
    if comparable(value) not in map(comparable, column.options):
        return _NO_OPTION
    # An option is the owner's own word, so its capital tells nothing.
    if _has_unknown_fact(value, whole):
        return _UNCONFIRMED
    is_denied = judge_name(value, [Statement(text, text) for text in whole.texts]) is Verdict.CONTRADICTED
    return _DENIED if is_denied else ""


def _has_unknown_fact(text: str, whole: Whole) -> bool:
    """Return whether a text has a figure, in digits or words, or an address that the material doesn't have."""
    return _has_unknown_figure(text, whole) or not all(is_stated(figure, whole) for figure in whole.figures_of(text))


def _has_unknown_figure(text: str, whole: Whole) -> bool:
    """Return whether a text has a figure in digits, a weekday or an address that the material doesn't have."""
    if misses_figure(text, whole) or not weekdays(text) <= whole.weekdays:
        return True
    known = " ".join(whole.texts).casefold()
    signs = [*_CURRENCIES.findall(text), *urls(text), *emails(text), *mentions(text)]
    return not all(sign.casefold() in known for sign in signs)


def _has_unknown_name(text: str, whole: Whole, plain: Sequence[str] = ()) -> bool:
    """Return whether a capital within a sentence marks a name that the material doesn't have.

    It marks none of a `plain` word, which a description has in lower case.
    """
    names = map(comparable, capitalised_names(text, whole.language))
    return not all(whole.words.has(name) or _is_any(name, plain) for name in names)


def _is_any(word: str, others: Sequence[str]) -> bool:
    return any(alike(word, other) for other in others)


def _is_from_text(sentence: str, whole: Whole) -> bool:
    words = content_words(sentence)
    return bool(words) and whole.words.share(words) >= _HALF
