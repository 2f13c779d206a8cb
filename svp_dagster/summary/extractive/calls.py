"""Tell what a post says about its subject from what it says to its viewers ("Save this for later")."""

from __future__ import annotations

import re

from svp_dagster.summary.language.figures import figures
from svp_dagster.summary.language.idioms import read
from svp_dagster.summary.language.negation import is_question
from svp_dagster.summary.language.units import MONEY

_CALL = re.compile(
    r"\b(?:save (?:this|it|me|for|the)|sav(?:e|ing) (?:this )?for later|follow (?:me|us|for|along|@)|"
    r"share (?:this|it|with)|tag (?:a|your|someone|the)|comment|like (?:and|if|this)|subscribe|link in|in (?:my )?bio|"
    r"wait for it|watch (?:till|until|to) the end|swipe|dm (?:me|us)|pov|don['’]?t miss|let me know|send this|turn on|"
    r"part \d|"
    r"speicher(?:n|e|t)?|folg(?:t|e|en)? (?:mir|uns|für)|teil(?:t|e) (?:das|es|dieses|den|mit)|markier(?:e|t)|"
    r"kommentier(?:e|t)|link in der|abonnier(?:e|t)|"
    r"guarda(?:lo|la)?|guard[ae] est[aeo]|s[ií]gue(?:me|nos)|comp[aá]rte(?:lo|la)?|etiqueta a|comenta|enlace en|"
    r"enregistre[rz]?|sauvegarde[rz]?|abonne[-z]|partage[rz]? |identifie[rz]?|lien en bio|commente[rz]?|"
    r"salva (?:questo|questa|il|la|per)|segui(?:mi|ci)|condividi|tagga|commenta|"
    r"salv[ae] (?:este|esta|isso|para|o|a)|segue|siga|compartilh[ae]|marque|marca|comente|"
    r"bewaar|volg (?:me|ons|voor)|deel dit)\b|"
    r"保存|フォロー|いいね|コメント|シェア|プロフ|收藏|关注|關注|点赞|點讚|转发|评论|저장|팔로우|좋아요",
    re.IGNORECASE,
)
_PERSONAL = re.compile(
    r"\b(?:i|i['’]\w+|you|you['’]\w+|your|we|we['’]\w+|our|my|me|this|these|here|"
    r"ich|du|ihr|euch|dein|deine|wir|uns|mein|meine|dies\w{0,2}|hier|"
    r"yo|t[uú]|mi|mis|tus|nosotros|est[eao]s?|aqu[ií]|je|tu|vous|nous|mon|ma|cette|ce|ici|io|questo|questa|qui|"
    r"eu|você|meu|minha|isso|aqui)\b|これ|この|ここ|私|僕|あなた|这个|这里|我|你",
    re.IGNORECASE,
)
_LABELLED = re.compile(r"^[^.!?]{1,30}[:：]")
_SHORT_FACT_WORDS = 3


def is_call(text: str) -> bool:
    """Return whether a sentence asks the viewers for something, or asks them a question."""
    return _CALL.search(text) is not None or is_question(text)


def vagueness(text: str) -> int:
    """Return how little a sentence names its subject, 0 where nothing speaks against it as a title."""
    if is_call(text):
        return 2
    return 1 if _PERSONAL.search(text) or _is_fact(text) else 0


def _is_fact(text: str) -> bool:
    """Return whether a line is a detail: one with a label, or hardly more than a figure."""
    if _LABELLED.search(text):
        return True
    found = list(figures(read(text)))
    is_price = any(figure.unit and figure.unit.kind in MONEY for figure in found)
    return bool(found) and (is_price or len(text.split()) <= _SHORT_FACT_WORDS)
