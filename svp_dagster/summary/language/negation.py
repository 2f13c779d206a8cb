"""Tell whether a word is negated where it stands, in the languages that people post in.

A negation reaches as far as its clause. Some stand before the word ("no", "without", "skip"), some after it ("nicht",
"ではない", "-free").
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from svp_dagster.summary.language.tongues import word_set
from svp_dagster.summary.words import comparable, is_unspaced, occurrences

_CLAUSE_END = re.compile(
    r"[,;:.!?…](?=\s|$)|[。！？、，；：|\n()（）「」【】]|\s[–—-]\s"
    r"|(?i:\b(?:but|though|although|however|instead|aber|sondern|sino|pero|mais|mas|però|ma|maar|но|ale|ama|fakat)\b)"
)
_QUESTION = re.compile(r"[?？¿]|(?:ですか|ますか|でしょうか|吗|呢|까요)[。.！!]?\s*$")

# Words that reach forward, within so many words, in comparable form.
_BEFORE = word_set(
    "no not non never without isnt arent wasnt werent dont doesnt didnt cant cannot couldnt wont wouldnt shouldnt "
    "havent hasnt neither nor nothing none hardly aint skip avoid except minus "
    "nicht kein keine keinen keinem keiner keines ohne nie niemals weder statt anstatt meide meidet vermeide vermeidet "
    "sin nunca jamas ni tampoco ningun ninguna ningunas evita evitar "
    "pas sans jamais aucun aucune evite evitez eviter "
    "senza mai ne nessun nessuna evitate niente "
    "nao sem nem nenhum nenhuma evite "
    "niet geen zonder nooit inget ingen inte utan aldrig ikke uden uten ei "
    "не нет без никогда ни нельзя nie bez nigdy ne neni nikdy nem nelkul fara nu "
    "لا ليس بدون غير ليست नहीं बिना"
)
_BEFORE_PHRASES = (
    "instead of", "rather than", "free from", "free of", "leave out", "left out", "forget the", "forget about",
    "en vez de", "en lugar de", "au lieu de", "invece di", "em vez de", "verzichtet auf", "verzichte auf",
)  # fmt: skip
_BEFORE_REACH = 4
_AFTER = word_set("not isnt arent wasnt werent never nicht nie niemals kein keine niet geen free frei yok degil dilla")
_AFTER_CLOSE = word_set("no nao non pas jamais nie nunca mai")
_AFTER_REACH = 5
# What looks like a negation and is none, or a double one.
_HARMLESS = re.compile(
    r"\b(?:(?:dont|never|nie|nicht|kein) (?:forget|miss|skip|vergessen|verpassen)|"
    r"not only|not just|not even|no problem|no worries|no matter|no wonder|no doubt|no more than|no less than|"
    r"nothing (?:beats|better)|why not|not to mention|if not|"
    r"cant (?:wait|stop|get enough|go wrong|recommend)|couldnt (?:be better|stop|wait)|"
    r"nicht nur|nicht mehr als|nicht zuletzt|"
    r"no solo|no te pierdas|no olvides|no te olvides|sin duda|sin problema|"
    r"ne manquez pas|n hesitez pas|nhesitez pas|pas seulement|pas mal|sans doute|"
    r"non solo|non perdere|nao so|nao perca|sem duvida)\b"
)
_HAN_AFTER = re.compile(
    "(?:で|て\u3099)は?(?:ない|ありません|なかった)|(?:し\u3099ゃ)(?:ない|ありません)|ない|なし|なく|無し|無い|ません|せんて\u3099した|不要|不可|禁止|抜き|"
    "以外|ゼロ|ne\b|没有|沒有|除外"
)
_HAN_HARMLESS = re.compile(
    "しかない|たけ\u3099けて\u3099?なく|た\u3099けて\u3099なく|た\u3099けて\u3099はない|かもしれない|かもしれません|に違いない|にちか\u3099いない|間違いない|なけれは\u3099|なくては|"
    "ないと(?:いけ|た\u3099め)|しょうか\u3099ない|もったいない|少なくない|ないて\u3099すか|ませんか"
)
_HAN_BEFORE = re.compile(
    "(?:不要|不能|不用|不需要|不必|不可以|不含|不是|没有|沒有|千万别|别|別|勿|禁止|ノー).{0,2}$|[不没沒無无非未]$"
)
_HAN_REACH = 14
_KOREAN = re.compile(
    "|".join(comparable(word) for word in ("없", "않", "아니", "못", "말고", "빼고", "금지", "불가", "안 "))
)


def clauses(text: str) -> list[str]:
    """Split a text into clauses, each stripped."""
    return [part for part in (piece.strip() for piece in _CLAUSE_END.split(text)) if part]


def is_question(text: str) -> bool:
    """Return whether a sentence asks."""
    return _QUESTION.search(text.strip()) is not None


def without_negation(words: str) -> list[str]:
    """Return the words of a comparable text that don't negate."""
    return [word for word in words.split() if word not in _BEFORE and word not in _AFTER]


def negated(phrase: str, text: str) -> Iterator[bool]:
    """Yield for each place of a comparable phrase in a text whether it is negated there."""
    for clause in clauses(text):
        words = comparable(clause)
        if phrase in words:
            for at in occurrences(phrase, words):
                yield reaches(words, at, at + len(phrase))


def reaches(clause: str, start: int, end: int) -> bool:
    """Return whether a negation of a comparable clause reaches the place from start to end."""
    before, after = clause[:start], clause[end:]
    if is_unspaced(clause[start:end]) or (is_unspaced(clause) and not clause[start:end].isascii()):
        return _reaches_unspaced(before, after)
    return _reaches_forward(before) or _reaches_back(after) or _reaches_unspaced(before, after)


def has_negation(text: str) -> bool:
    """Return whether a text has any word that negates."""
    words = comparable(text)
    plain = _HAN_HARMLESS.sub("", _HARMLESS.sub(" ", words))
    found = set(plain.split())
    return (
        bool(found & (_BEFORE | _AFTER))
        or any(phrase in plain for phrase in _BEFORE_PHRASES)
        or (is_unspaced(plain) and (_HAN_AFTER.search(plain) or re.search("[不没沒無无别勿]", plain)) is not None)
        or (is_unspaced(plain) and _KOREAN.search(plain) is not None)
    )


def _reaches_forward(before: str) -> bool:
    near = " ".join(_HARMLESS.sub(" ", before).split()[-_BEFORE_REACH:])
    return bool(set(near.split()) & _BEFORE) or any(phrase in near for phrase in _BEFORE_PHRASES)


def _reaches_back(after: str) -> bool:
    words = _HARMLESS.sub(" ", after).split()
    return bool(set(words[:_AFTER_REACH]) & _AFTER) or bool(set(words[:1]) & _AFTER_CLOSE)


def _reaches_unspaced(before: str, after: str) -> bool:
    near = _HAN_HARMLESS.sub("", after[:_HAN_REACH])
    return (
        _HAN_AFTER.search(near) is not None
        or _HAN_BEFORE.search(before.rstrip()) is not None
        or _KOREAN.search(near) is not None
    )
