"""Find the passages for a text column by the words of its name.

The cues and their patterns are English. A labelled line ("Zutaten: …") is found in any language. A column with an
unknown name stays blank.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from svp_dagster.summary.extractive.calls import vagueness
from svp_dagster.summary.extractive.patterns import emails, hashtags, phones, urls
from svp_dagster.summary.material import Material, Passage
from svp_dagster.summary.reading import central, prominent, read_sentences, telling
from svp_dagster.summary.words import comparable, one_line

_LONGEST_LIST = 40
_FEWEST_OF_A_LIST = 2
_LONGEST_ITEM_WORDS = 6
_SAME_FRAME_S = 0.5
_BULLET = re.compile(r"^[^\w#@+$€£]+")
_QUANTITY = re.compile(
    r"(?:\d|½|¼|¾|⅓|⅔|\b(?:an?|one|two|three|four|half|some)\b)\s*(?:[/.,]\d+)?\s*"
    r"(?:g|kg|mg|ml|cl|l|oz|lbs?|cups?|tbsps?|tsps?|tablespoons?|teaspoons?|grams?|cloves?|pinch(?:es)?|handfuls?|"
    r"cans?|tins?|slices?|sticks?|packs?|sprigs?|bunch(?:es)?|drops?|el|tl|stück)\b",
    re.IGNORECASE,
)
_STEP = re.compile(
    r"(?:step\s*)?\d{1,2}\s*[.):]\s*\D|(?:first(?:ly)?|second(?:ly)?|then|next|after that|now|finally|lastly)\b|"
    r"(?:add|assemble|attach|bake|beat|blend|boil|bring|brush|chop|click|combine|cook|cover|cut|drain|draw|drill|fold|"
    r"fry|glue|grate|heat|hold|insert|install|knead|leave|let|lift|lower|make|measure|melt|mix|open|paint|peel|place|"
    r"pour|preheat|press|put|remove|repeat|roast|roll|rub|season|select|serve|sew|simmer|slice|spread|sprinkle|squeeze|"
    r"stir|stretch|tap|tighten|toss|turn|wash|whisk|wrap)\b",
    re.IGNORECASE,
)
_STREET = re.compile(
    r"\d{1,5}[a-z]?\s+(?:[\w'.-]+\s+){1,4}(?:street|st|avenue|ave|road|rd|boulevard|blvd|lane|ln|drive|dr|square|sq|"
    r"place|pl|way|court|ct|highway|hwy|quay|terrace)\b|"
    r"\b\w{2,}(?:straße|strasse|str\.|gasse|platz|allee|weg)\s+\d|"
    r"\b(?:rue|calle|via|viale|piazza|avenida|avenue|rua)\s+(?:[\w'.-]+\s+){0,3}[\w'.-]+,?\s+\d{1,4}\b|"
    r"\d{1,4},?\s+(?:rue|avenue|boulevard|place)\s+\w|📍",
    re.IGNORECASE,
)
_WEEKDAYS = r"(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:days?)?|daily|every day|weekdays|weekends"
_OCLOCK = r"\d{1,2}(?::\d\d)?\s*(?:[ap]\.?m\b|-|–|to\b)|\d\d:\d\d"
_HOURS = re.compile(
    rf"\b(?:{_WEEKDAYS})\b.{{0,40}}?\b(?:{_OCLOCK}|closed)|"
    r"\bopen(?:s|ing)?\b.{0,30}\b\d{1,2}(?::\d\d|\s*[ap]\.?m\b)",
    re.IGNORECASE,
)
_OPINION = re.compile(
    r"\b(?:recommend\w*|worth|best|favou?rite|love[ds]?|must[- ](?:try|visit|see|have)|amazing|delicious|avoid|skip|"
    r"overrated|underrated|disappoint\w*|verdict|honestly|in my opinion|i (?:think|like|liked|would)|10/10)\b",
    re.IGNORECASE,
)
_TIP = re.compile(
    r"\b(?:tips?|tricks?|hack|make sure|don['’]?t forget|remember to|important|always|never)\b", re.IGNORECASE
)
_MONEY = re.compile(
    r"[$€£¥₹]\s?\d|\d\s?(?:[$€£¥₹]|(?:usd|eur|gbp|dollars?|euros?)\b)|\bfree (?:entry|admission)\b", re.I
)


@dataclass(frozen=True, kw_only=True)
class Found:
    """The text for a column, and the passages that it quotes."""

    text: str
    quoted: tuple[Passage, ...]


Pick = Callable[[Material], "Found | None"]


def find_text(name: str, material: Material) -> Found | None:
    """Find the text for a column: the text with its name as a label, or the passages that fit its words."""
    labelled = _labelled(name, material)
    if labelled is not None:
        return labelled
    words = set(comparable(name).split())
    pick = next((pick for cues, pick in _CUES if words & cues), None)
    return pick(material) if pick else None


def _labelled(name: str, material: Material) -> Found | None:
    """Find the text after the name and a colon, or below the name as a heading."""
    wanted = comparable(name)
    for lines in (material.caption, material.screen):
        for number, line in enumerate(lines):
            label, colon, rest = _BULLET.sub("", line.text).replace("：", ":").partition(":")
            bare = one_line(line.text).partition(" ")
            if wanted and comparable(bare[0]) == wanted and bare[2][:1].isdigit():
                return _quote([line.model_copy(update={"text": bare[2]})])
            if not wanted or comparable(label) != wanted:
                continue
            if rest.strip():
                return _quote([line.model_copy(update={"text": rest.strip()})])
            below = _section(lines[number + 1 :])
            if below and (colon or line.source == "caption"):
                return _quote(below, joined_by="\n")
    return None


def _section(lines: Sequence[Passage]) -> list[Passage]:
    """Return the first lines, up to the end of their paragraph or list, or to the next heading."""
    section: list[Passage] = []
    for line in lines[:_LONGEST_LIST]:
        is_bulleted = _BULLET.match(line.text) is not None
        if line.text.endswith((":", "：")) or line.text.startswith("#") or line.paragraph != lines[0].paragraph:
            break
        if section and not is_bulleted and _BULLET.match(section[-1].text):
            break
        section.append(line)
    return section


def _matching(pattern: re.Pattern[str], *, most: int, joined_by: str = " ", at_start: bool = False) -> Pick:
    """Pick the sentences with the pattern, of the source that has most of them."""

    def pick(material: Material) -> Found | None:
        hits: dict[str, list[Passage]] = {"caption": [], "screen": [], "speech": []}
        for sentence in read_sentences(material):
            bare = _BULLET.sub("", sentence.text)
            if pattern.match(bare) if at_start else pattern.search(sentence.text):
                hits[sentence.source].append(sentence)
        return _quote(max(hits.values(), key=len)[:most], joined_by=joined_by)

    return pick


def _items(material: Material) -> Found | None:
    """Pick the lines with a quantity, and the lines that stand among them: an item may have none."""
    hits: dict[str, list[Passage]] = {"caption": [], "screen": [], "speech": []}
    for sentence in read_sentences(material):
        if _QUANTITY.search(sentence.text):
            hits[sentence.source].append(sentence)
    found = max(hits.values(), key=len)
    if len(found) >= _FEWEST_OF_A_LIST and found[0].source != "speech":
        lines = material.caption if found[0].source == "caption" else material.screen
        among = {line.text: line for line in lines if line in found or _is_among(line, found, lines)}
        found = list(among.values())
    return _quote(found[:_LONGEST_LIST], joined_by="\n")


def _is_among(line: Passage, items: Sequence[Passage], lines: Sequence[Passage]) -> bool:
    """Return whether a short line stands between items of a caption, or on the screen while others do."""
    if (
        len(line.text.split()) > _LONGEST_ITEM_WORDS
        or line.text.endswith((":", "："))
        or hashtags(line.text)
        or urls(line.text)
    ):
        return False
    if line.source == "caption":
        own = [one for one in items if one.paragraph == line.paragraph]
        bulleted = sum(_BULLET.match(one.text) is not None for one in own)
        if bulleted >= _FEWEST_OF_A_LIST:
            return _BULLET.match(line.text) is not None
        places = [lines.index(one) for one in own if one in lines]
        return len(places) >= _FEWEST_OF_A_LIST and min(places) < lines.index(line) < max(places)
    beside = [one for one in items if _are_together(one, line)]
    return len(beside) >= _FEWEST_OF_A_LIST


def _are_together(item: Passage, line: Passage) -> bool:
    """Return whether a line stands beside an item, and not there before it: that is a heading."""
    if line.slide is not None or item.slide is not None:
        return line.slide == item.slide
    if line.at_s is None or item.at_s is None:
        return False
    line_until, item_until = line.until_s or line.at_s, item.until_s or item.at_s
    return line.at_s <= item_until and item.at_s <= line_until and line.at_s >= item.at_s - _SAME_FRAME_S


def _each(find: Callable[[str], list[str]], *, joined_by: str, mark: str = "") -> Pick:
    """Pick everything that `find` finds, each once."""

    def pick(material: Material) -> Found | None:
        found: dict[str, Passage] = {}
        for passage in material.passages:
            for item in find(passage.text):
                found.setdefault(item, passage.model_copy(update={"text": item}))
        if not found:
            return None
        quoted = found.values()
        return Found(text=joined_by.join(f"{mark}{passage.text}" for passage in quoted), quoted=tuple(quoted))

    return pick


def _contacts(text: str) -> list[str]:
    return emails(text) + phones(text) + urls(text)


def _gist(material: Material) -> Found | None:
    return _quote(central(telling(material), most=3))


def _name(material: Material) -> Found | None:
    line = prominent(material.screen)
    return _quote([line]) if line and not vagueness(line.text) else None


def _uploader(material: Material) -> Found | None:
    uploader = material.fact("Uploader")
    quoted = tuple(fact for fact in material.facts if fact.text.endswith(f": {uploader}"))
    return Found(text=uploader, quoted=quoted) if uploader else None


def _whole_caption(material: Material) -> Found | None:
    return _quote(material.caption, joined_by="\n")


def _whole_speech(material: Material) -> Found | None:
    return _quote(material.speech)


def _whole_screen(material: Material) -> Found | None:
    return _quote(material.screen, joined_by="\n")


def _quote(passages: Sequence[Passage], *, joined_by: str = " ") -> Found | None:
    texts = dict.fromkeys(one_line(_BULLET.sub("", passage.text)) for passage in passages)
    text = joined_by.join(filter(None, texts))
    return Found(text=text, quoted=tuple(passages)) if text else None


_CUES: tuple[tuple[frozenset[str], Pick], ...] = (
    (frozenset({"ingredient", "ingredients"}), _items),
    (
        frozenset({"steps", "step", "instructions", "directions", "method", "preparation", "procedure"}),
        _matching(_STEP, most=_LONGEST_LIST, joined_by="\n", at_start=True),
    ),
    (frozenset({"hours", "opening"}), _matching(_HOURS, most=3)),
    (frozenset({"address", "location", "where"}), _matching(_STREET, most=1)),
    (frozenset({"price", "prices", "cost", "costs"}), _matching(_MONEY, most=3)),
    (
        frozenset({"recommendation", "recommendations", "opinion", "verdict", "review", "why"}),
        _matching(_OPINION, most=2),
    ),
    (frozenset({"tip", "tips", "tricks", "advice"}), _matching(_TIP, most=5, joined_by="\n")),
    (frozenset({"contact", "contacts"}), _each(_contacts, joined_by="\n")),
    (frozenset({"website", "websites", "links"}), _each(urls, joined_by="\n")),
    (frozenset({"hashtags", "tags", "keywords"}), _each(hashtags, joined_by=" ", mark="#")),
    (frozenset({"uploader", "creator", "channel", "account", "username"}), _uploader),
    (frozenset({"caption", "description"}), _whole_caption),
    (frozenset({"transcript", "speech"}), _whole_speech),
    (frozenset({"ocr", "screen"}), _whole_screen),
    (
        frozenset({"summary", "overview", "about", "gist", "tldr", "highlights", "takeaway", "takeaways", "notes"}),
        _gist,
    ),
    (frozenset({"name", "place", "restaurant", "dish"}), _name),
)
