"""The words of the controlled reviews, written by hand: what is spoken of, what is said of it, and which way that counts."""

from __future__ import annotations

from collections.abc import Mapping

from mtl_helpers.errors import DataError
from mtl_helpers.tasks import TOPIC


class CorpusError(DataError):
    """The generator was asked for something that it can not make."""


def _table(text: str) -> dict[str, tuple[str, ...]]:
    """Read ``name: word word ...``, where a line without a name goes on with the one above."""
    words: dict[str, tuple[str, ...]] = {}
    for line in text.strip().splitlines():
        name, colon, row = line.rpartition(":")
        if colon:
            words[name] = ()
        words[next(reversed(words))] += tuple(row.split())
    return words


OBJECTS = _table("""
film:       film movie thriller comedy sequel western documentary remake drama
book:       book novel paperback biography memoir hardback cookbook textbook story
phone:      phone handset smartphone mobile foldable tablet flagship touchscreen cellphone
restaurant: restaurant bistro diner trattoria tavern cafe steakhouse brasserie pizzeria
hotel:      hotel hostel retreat resort lodge guesthouse motel chalet villa
car:        car hatchback saloon sedan coupe convertible minivan pickup roadster
""")

# What a clause is about. The first come most often (Zipf).
ASPECTS = _table("""
film:       acting script soundtrack cinematography director cast finale trailer lighting editing scenery costume montage
book:       prose narrator author heroine epilogue writing preface cover translation chapter binding glossary plotting
phone:      screen battery keyboard speaker charger display touchpad ringtone casing camera microphone reception software
restaurant: food menu dessert waiter kitchen soup chef wine starter bread seafood sauce cutlery
hotel:      room bed lobby pool bathroom corridor balcony mattress breakfast shower elevator concierge minibar
car:        engine gearbox steering clutch dashboard boot suspension seating handbrake bonnet exhaust windscreen cabin
""")
SHARED_ASPECTS = ("style", "price", "design", "quality", "whole experience", "atmosphere", "look", "idea", "pace")

VERBS = ("was", "is", "felt", "seemed", "looked", "remained")
STRONG_DEGREES = ("really", "so", "truly", "incredibly", "utterly")
MILD_DEGREES = ("quite", "rather", "fairly", "somewhat", "slightly")
NEGATIONS = ("not", "never", "hardly", "far from", "anything but")
TRAPS = ("not only", "not just", "never less than", "nothing but")  # look like a negation and are none

# Opinions that count the same way whatever they are about: strong ones, then mild ones.
POSITIVE = _table("""
strong: excellent wonderful fantastic brilliant superb amazing perfect outstanding stunning
        terrific marvellous flawless fabulous splendid exquisite magnificent sublime glorious
mild:   good nice pleasant decent solid lovely enjoyable likeable satisfying charming
        worthwhile agreeable tasteful capable thoughtful polished reliable appealing
""")
NEGATIVE = _table("""
strong: terrible awful horrible dreadful abysmal appalling atrocious disgusting pathetic
        hideous ghastly woeful dire unbearable insulting disastrous shameful vile
mild:   bad poor dull weak disappointing mediocre bland tired clumsy forgettable
        lacking shabby sloppy tedious flawed careless unpleasant annoying
""")

# Opinions whose sign depends on the topic: the sign in most topics, and the two topics in which it is the other one.
SIGNS: Mapping[str, tuple[int, tuple[str, str]]] = {
    "unpredictable": (-1, ("film", "book")),  # an unpredictable plot, an unpredictable gearbox
    "small": (-1, ("phone", "car")),  # fits a pocket, fits a parking space; small portions, a small room
    "loud": (-1, ("film", "phone")),  # loud battle scenes, a loud speaker; a loud corridor
    "dark": (-1, ("film", "restaurant")),  # a dark thriller, a dark and cosy corner; a dark room
    "hot": (-1, ("restaurant", "car")),  # hot food, a hot hatchback; a phone that gets hot
    "quaint": (-1, ("restaurant", "hotel")),  # an old inn's charm; a phone of ten years ago
    "slow": (-1, ("book", "hotel")),  # a story that takes its time, slow mornings; a slow engine
    "heavy": (-1, ("book", "car")),  # weighty themes, doors that shut with a thud; heavy sauces
    "simple": (1, ("film", "book")),  # easy to use; a plot without a second thought
    "quiet": (1, ("film", "phone")),  # a quiet room; nothing happens, nobody hears it ring
    "warm": (1, ("phone", "car")),  # a warm welcome; a battery to fry eggs on
    "modern": (1, ("restaurant", "hotel")),  # the latest display; foam on slate, a lobby without a soul
    "cheap": (1, ("film", "car")),  # a cheap dinner; cheap effects, cheap plastic
    "large": (1, ("book", "phone")),  # a large room; too large to hold
    "sharp": (1, ("restaurant", "hotel")),  # a sharp display, sharp dialogue; a sharp word from the staff
    "light": (1, ("restaurant", "hotel")),  # light to carry, light reading; light portions, a light breakfast
}

OPENINGS = {
    "film": ("We watched this {} on {}.", "I saw the {} last {}.", "My review of the {} from {}."),
    "book": ("I finished this {} on {}.", "We read the {} last {}.", "My review of the {} from {}."),
    "phone": ("I bought this {} on {}.", "The {} arrived last {}.", "My review of the {} from {}."),
    "restaurant": ("We ate at this {} on {}.", "I tried the {} last {}.", "My review of the {} from {}."),
    "hotel": ("We stayed at this {} until {}.", "I booked the {} last {}.", "My review of the {} from {}."),
    "car": ("We drove this {} on {}.", "I rented the {} last {}.", "My review of the {} from {}."),
}
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday", "Christmas", "Easter")

# Sentences that name another topic and say nothing about this one.
DISTRACTORS = (
    "My {who} kept talking about a {}.",
    "That evening my {who} mentioned the {}.",
    "I had come from a {} with my {who}.",
    "Now my {who} wants a {} as well.",
    "There was a {} next door, said my {who}.",
)
PEOPLE = ("sister", "brother", "wife", "husband", "friend", "boss", "neighbour", "cousin", "uncle", "flatmate")
ASIDES = ("I went with my {who}.", "My {who} came too.", "It was a present from my {who}.", "Ask my {who}.")


def sign_of(adjective: str, topic: str) -> int:
    """Which way an adjective of `SIGNS` counts when it is said of a topic: 1 praises, -1 blames.

    >>> sign_of("unpredictable", "film"), sign_of("unpredictable", "car")
    (1, -1)
    """
    if adjective not in SIGNS:
        raise CorpusError(f"No sign is known of {adjective!r}; the adjectives are {', '.join(SIGNS)}.")
    if topic not in TOPIC.classes:
        raise CorpusError(f"There is no topic {topic!r}; the topics are {', '.join(TOPIC.classes)}.")
    sign, exceptions = SIGNS[adjective]
    return -sign if topic in exceptions else sign
