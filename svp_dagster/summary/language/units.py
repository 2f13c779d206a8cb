"""Units and what they measure, by the words of many languages (in comparable form, see `summary.words`)."""

from __future__ import annotations

from dataclasses import dataclass

from svp_dagster.summary.words import comparable


@dataclass(frozen=True)
class Unit:
    """What a unit measures, and how many of the kind's base unit it is: minutes, grams, millilitres, metres, …"""

    kind: str
    factor: float = 1.0


TIME, MASS, VOLUME, LENGTH, ENERGY, HEAT, SHARE = "time", "mass", "volume", "length", "energy", "heat", "share"
SERVINGS, SCORE, CLOCK = "servings", "score", "clock"
PRICE = "price"
"""What a column holds that names no currency: a figure of any of `MONEY`."""
SOFT = frozenset({SERVINGS, SCORE})
"""Kinds that are counts: their figures may also fit a column whose name tells no kind."""

_UNITS: tuple[tuple[str, float, str], ...] = (
    (TIME, 1 / 60, "s sec secs second seconds sek sekunde sekunden segundo segundos seconde secondes secondo secondi "
     "seconden saniye секунда секунды секунд 秒 秒鐘 秒钟 秒間 초"),
    (TIME, 1, "min mins minute minutes minuten minuto minutos minuti minuut minuta minuty minut minuter dakika минута "
     "минуты минут 分 分間 分鐘 分钟 분"),
    (TIME, 60, "h hr hrs hour hours std stunde stunden hora horas heure heures ora ore uur uren godzina godziny "
     "godzin "
     "timme timmar saat час часа часов 時間 小時 小时 시간"),
    (TIME, 1440, "day days tag tage tagen dia dias jour jours giorno giorni dag dagen день дня дней 日間 天 일"),
    (TIME, 10_080, "week weeks woche wochen semana semanas semaine semaines settimana settimane weken неделя недели "
     "недель 週間 周 星期 주"),
    (TIME, 43_800, "month months monat monate monaten mes meses mois mese mesi maand maanden mesiac месяц месяца "
     "ヶ月 か月 "
     "个月 個月 개월"),
    (TIME, 525_600, "year years jahr jahre jahren ano anos an ans annee annees anno anni jaar год года лет 年 년"),
    (MASS, 1, "g gr gram grams gramm gramo gramos gramme grammes grammo grammi grama gramas грамм граммов г 克 "
     "グラム 그램"),
    (MASS, 0.001, "mg milligram milligrams milligramm miligramos"),
    (MASS, 1000, "kg kilo kilos kilogram kilograms kilogramm kilogramo kilogramos kilogramme kilogrammes chilo chili "
     "кг 公斤 キロ 千克 킬로"),
    (MASS, 28.35, "oz ounce ounces"),
    (MASS, 453.6, "lb lbs pound pounds pfund libra libras livre livres"),
    (VOLUME, 1, "ml milliliter millilitre milliliters millilitres mililitro mililitros millilitri мл 毫升 "
     "ミリリットル 밀리"),
    (VOLUME, 10, "cl zentiliter centilitre centilitres centilitri"),
    (VOLUME, 100, "dl deziliter deciliter"),
    (VOLUME, 1000, "l liter liters litre litres litern litro litros litri литр литра литров 升 リットル 리터"),
    (VOLUME, 240, "cup cups tasse tassen taza tazas tazza tazze xicara xicaras カップ 杯 컵"),
    (VOLUME, 15, "tbsp tbsps tablespoon tablespoons el essloffel cucharada cucharadas cucchiaio cucchiai 大さじ "
     "汤匙 스푼"),
    (VOLUME, 5, "tsp tsps teaspoon teaspoons tl teeloffel cucharadita cucharaditas cucchiaino cucchiaini 小さじ 茶匙"),
    (LENGTH, 0.01, "cm centimeter centimeters centimetre centimetres zentimeter centimetro centimetros "
     "centimetri 厘米"),
    (LENGTH, 0.001, "mm millimeter millimetre millimetres milimetros"),
    (LENGTH, 1, "m meter meters metre metres metern metro metros metri メートル 米 미터"),
    (LENGTH, 1000, "km kilometer kilometers kilometre kilometres kilometern kilometro kilometros chilometro "
     "chilometri "
     "quilometro quilometros км キロメートル 公里 千米"),
    (LENGTH, 1609.3, "mi mile miles meile meilen milla millas"),
    (ENERGY, 1, "kcal cal cals calorie calories kalorien kalorie caloria calorias calorie ккал カロリー 卡路里 "
     "大卡 칼로리"),
    (ENERGY, 0.239, "kj"),
    (HEAT, 1, "° °c c celsius grad degree degrees grado grados degre degres gradi grau graus 度 도"),
    (SHARE, 1, "% percent prozent por ciento porcento pourcent pourcents procent パーセント 퍼센트"),
    (SERVINGS, 1, "serving servings portion portions portionen porcion porciones racion raciones porzione "
     "porzioni porcao "
     "porcoes person persons people personen personnes personne personas persona persone pessoas pessoa personer "
     "leute servir 人 人份 人分 人前 인분"),
    (SCORE, 1, "star stars point points stern sterne sternen punkt punkte punkten estrella estrellas puntos "
     "etoile etoiles "
     "stelle stella punti estrelas 星 점"),
    (CLOCK, 60, "uhr oclock am pm a.m p.m 時 时 시"),
    ("$", 1, "$ usd bucks dollar dollars dolar dolares dollari us$"),
    ("€", 1, "€ eur euro euros"),
    ("£", 1, "£ gbp quid"),
    ("¥", 1, "¥ jpy yen 円"),
    ("cny", 1, "cny rmb yuan 元 块 人民币"),
    ("₩", 1, "₩ krw won 원"),
    ("₹", 1, "₹ inr rupees rupee rs"),
    ("chf", 1, "chf franken fr"),
)  # fmt: skip

MONEY = frozenset({"$", "€", "£", "¥", "cny", "₩", "₹", "chf"})
_BY_WORD = {comparable(word) or word: Unit(kind, factor) for kind, factor, words in _UNITS for word in words.split()}
_UNSPACED = sorted((word for word in _BY_WORD if not word.isascii()), key=len, reverse=True)
_FORMATS = {
    "dollar": "$", "us_dollar": "$", "euro": "€", "pound": "£", "yen": "¥", "yuan": "cny", "won": "₩", "rupee": "₹",
    "franc": "chf", "percent": SHARE,
}  # fmt: skip
# What a column of that name holds, where the name has no unit.
_KINDS = {
    TIME: "time duration zeit dauer tiempo duracion temps duree tempo durata duracao minutes hours walk wait "
    "rest tijd "
    "zeiten czas время 時間 时间 시간 所要時間 待ち時間 cooktime preptime",
    PRICE: "price prices cost costs preis kosten eintritt precio coste costo prix cout prezzo preco custo "
    "budget fee "
    "gebuhr prijs cena цена 値段 価格 料金 价格 価 가격 予算 entry admission rent miete 入場料",
    MASS: "weight gewicht peso poids 重さ 重量 무게",
    LENGTH: "distance distanz strecke distancia distanza distancia length lange height hohe 距離 距离 거리",
    ENERGY: "calories kalorien calorias calorie kcal カロリー 热量 칼로리",
    HEAT: "temperature temperatur temperatura 温度 온도",
    SERVINGS: "servings serves portions portionen personen raciones porciones porzioni porcoes persons people portion "
    "personnes personas serving 人数 人分 份数 인분 何人分",
    SCORE: "rating score note voto nota puntuacion bewertung stars sterne valoracion 評価 评分 평점",
}
_KIND_OF = {comparable(word): kind for kind, words in _KINDS.items() for word in words.split()}


def unit_of(word: str) -> Unit | None:
    """Return the unit that a word or sign is, None for any other word."""
    return _BY_WORD.get(comparable(word) or word.strip().casefold())


POUND = unit_of("pounds")
"""A weight, and a currency too."""


def unit_at(text: str) -> Unit | None:
    """Return the unit at the start of a text in a script without spaces."""
    normal = comparable(text)
    return next((_BY_WORD[word] for word in _UNSPACED if normal.startswith(word)), None)


def unit_of_format(number_format: str | None) -> Unit | None:
    """Return the unit of one of Notion's number formats."""
    kind = _FORMATS.get(number_format or "")
    return Unit(kind) if kind else None


def kind_of_name(words: list[str]) -> str | None:
    """Return what a column measures by the words of its name."""
    named = (_KIND_OF.get(word) for word in words)
    return next((kind for kind in named if kind), None)
