"""Tell languages apart by their function words, and leave these out where contents are compared."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from svp_dagster.summary.words import comparable, is_unspaced, tokens

# In comparable form. Single letters and words that several of these languages write alike count for all of them.
_WORDS: dict[str, frozenset[str]] = {
    language: frozenset(words.split())
    for language, words in {
        "en": (
            "the a an and or of to in on at for from with by is are was were be been it its this that these those you "
            "your we our they i my he she there here not do does did so but if as have has had just about into up out "
            "will per each can would im youre dont"
        ),
        "de": (
            "der die das den dem des ein eine einen einem einer eines und oder von zu zum zur in im an am auf aus bei "
            "mit fur ist sind war es sie er wir ihr ich man nicht auch so aber wenn als wie hat haben hier da noch "
            "nur sich ab bis um nach vor uber dass euch mein dein kein keine pro je"
        ),
        "es": (
            "el la los las un una unos unas y o de del al a en con por para es son era que se lo le su sus mi tu no "
            "si pero como mas muy ya este esta esto estos estas hay yo nos te me sin sobre cuando"
        ),
        "fr": (
            "le la les l un une des du de d et ou a au aux en dans sur avec pour par est sont c ce cette ces que qui "
            "se sa son ses mon ma il elle on nous vous je tu ne pas mais si plus y cest faut chez"
        ),
        "it": (
            "il lo la i gli le un uno una e o di del della dei delle da dal in nel nella con su per tra sono che si "
            "non ma se come piu molto mi ti ci questo questa questi ho ha hai anche al alla ai"
        ),
        "pt": (
            "o a os as um uma uns umas e ou de do da dos das em no na nos nas com por para sao que se nao mas como "
            "mais muito eu ele ela voce isso este esta esse essa ao aos tem foi"
        ),
        "nl": (
            "de het een en of van te in op aan voor met door is zijn was dit dat deze die je jij we wij ik hij ze "
            "niet maar als ook er naar bij om uit nog wel geen"
        ),
    }.items()
}
_COMPOUND = 9
"""Words of so many letters may be compounds: `Kreditkarte` has `Karte`."""
_HEAD, _ALIKE = 4, 0.65
"""Two words are forms of one if they share this many letters at the start, and this share of the shorter one."""
_ALL = frozenset[str]().union(*_WORDS.values())


def word_set(words: str) -> frozenset[str]:
    """Return the words of a text that parts them by spaces."""
    return frozenset(words.split())


def guess(text: str, likely: str | None = None) -> str | None:
    """Return the language with the most function words in the text, None without any or between equals.

    The likely language may have one less: related languages share many of these words.
    """
    hits = _hits(text)
    if likely in hits and hits[likely] >= max(1, max(hits.values()) - 1):
        return likely
    best = _best(hits)
    return best.pop() if len(best) == 1 else None


def is_translation(one: str, other: str) -> bool:
    """Return whether two texts are in different languages, as far as scripts and function words tell."""
    if is_unspaced(comparable(one)) is not is_unspaced(comparable(other)):
        return True
    ours, theirs = languages(one), languages(other)
    return bool(ours and theirs) and ours.isdisjoint(theirs)


def languages(text: str) -> set[str]:
    """Return the languages with the most function words in the text: several between equals, none without any."""
    return _best(_hits(text))


def _hits(text: str) -> dict[str, int]:
    words = comparable(text).split()
    return {name: sum(word in known for word in words) for name, known in _WORDS.items()}


def _best(hits: dict[str, int]) -> set[str]:
    most = max(hits.values())
    return {name for name, count in hits.items() if count == most > 0}


def content_words(text: str) -> list[str]:
    """Return the comparable words (pairs of characters in scripts without spaces) without function words and signs."""
    found = tokens(text)
    return [word for word in found if word not in _ALL and (len(word) > 1 or word.isdigit() or not word.isascii())]


def alike(one: str, other: str) -> bool:
    """Return whether two comparable words may be forms of one, also of two related languages: `vegan`, `vegano`."""
    if one == other:
        return True
    if one.isdigit() or other.isdigit():
        return False
    short, long = sorted((one, other), key=len)
    head = max(_HEAD, round(_ALIKE * len(short)))
    return (len(short) >= _HEAD and short[:head] == long[:head]) or (
        len(short) == 3 and long in (f"{short}s", f"{short}e")
    )


class Vocabulary:
    """The words of a text, to look up forms of them."""

    def __init__(self, words: Iterable[str]) -> None:
        self._words = frozenset(words)
        self._joined = f" {' '.join(self._words)} "
        self._by_head: dict[str, list[str]] = {}
        for word in self._words:
            self._by_head.setdefault(word[:_HEAD], []).append(word)

    def has(self, word: str) -> bool:
        """Return whether the word, a form of it or a compound with it is there."""
        if word in self._words:
            return True
        if word.isdigit() or len(word) < _HEAD:
            return False
        is_part = len(word) > _HEAD and word in self._joined
        if is_part or (len(word) >= _COMPOUND and any(other in word for other in self._words if len(other) > _HEAD)):
            return True
        return any(alike(word, other) for other in self._by_head.get(word[:_HEAD], ()))

    def share(self, words: Sequence[str]) -> float:
        """Return the share of words that are there, 1 of no words."""
        return sum(map(self.has, words)) / len(words) if words else 1.0


def share_in(words: Sequence[str], others: Iterable[str]) -> float:
    """Return the share of words that the others have, 1 of no words."""
    return Vocabulary(others).share(words)
