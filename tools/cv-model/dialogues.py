"""Facts → dialogues: sampled without end from a seed, with a fifth of the wordings kept for the test."""

import hashlib
import json
import random
import re

import offcv
import wordings
from facts import facts_of

HELD_OUT = 0.2
# In training, typos and short forms are more frequent than in the test, and some wordings get a word of politeness around
# them: what the model has to learn is to look for the words that matter.
TRAINING_NOISE = 1.6
TRAINING_FRAMES = 0.2
_BEFORE = (
    'hi, ', 'hello, ', 'hey, ', 'please, ', 'ok, ', 'so ', 'and ', 'well, ', 'thanks, ', 'tell me, ', 'quick question: ',
    'one more thing: ', 'just curious: ', 'also, ', 'now, ',
)  # fmt: skip
_AFTER = (' please', ', please', ' thanks', ' then', ' exactly', ' by the way', ', do you know', ' again')

# Small talk: kind → (answer, wordings). A fifth of these wordings is held out too.
def small_talk(cv):
    first = cv['firstName']
    table = {
        'hello': (
            f"Hello! Ask me anything about {first}'s CV.",
            'hi;hello;hey;hi there;hello there;good morning;good evening;good afternoon;hey there;hiya;greetings;hi!;hello!;yo;'
            'hallo;hi assistant;hello friend;good day;howdy;hey you;hi again;morning;evening',
        ),
        'how': (
            f'I am fine, thank you. What would you like to know about {first}?',
            "how are you?;how are you doing?;how's it going?;how do you do?;are you ok?;how are you today?;what's up?;"
            "hi, how are you?;hello, how are you?;sup?;you ok?;how do you feel?;everything fine?",
        ),
        'who': (
            f"I am a small language model that runs in your browser and answers questions about {first}'s CV.",
            'who are you?;what are you?;are you a bot?;are you a robot?;are you human?;are you an ai?;are you a person?;'
            'what is your name?;who am i talking to?;who is this?;what kind of model are you?;are you real?;which model are you?;'
            'are you chatgpt?;who made you?;tell me who you are;what can you tell me about yourself, assistant?;what model is this?;'
            'am i talking to a human?;are you a language model?;do you have a name?;your name?;how do you work?;where do you run?',
        ),
        'help': (
            f"You can ask about {first}'s jobs, education, projects, skills, languages or contact details.",
            'help;what can you do?;what can i ask?;what can i ask you?;how can you help me?;what do you know?;what should i ask?;'
            'can you help me?;help me;what questions can i ask?;what are you able to answer?;give me some ideas;any suggestions?;'
            'what topics do you know?;i do not know what to ask;what else can i ask?;what can you tell me?;how does this work?;?',
        ),
        'thanks': (
            'You are welcome! Is there anything else you would like to know?',
            'thanks;thank you;thank you very much;thanks a lot;many thanks;cheers;thx;ty;thanks!;thank you!;great, thanks;'
            'perfect, thank you;ok thanks;thanks for your help;that helps, thank you;thank you so much;awesome, thanks;cool thanks',
        ),
        'ok': (
            'Good. What else would you like to know?',
            'ok;okay;good;great;nice;cool;i see;interesting;wow;impressive;perfect;sounds good;alright;got it;that is good;very nice;'
            'awesome;not bad;yes;fine;understood;right;amazing;excellent;that is impressive',
        ),
        'bye': (
            f'Goodbye, and thank you for your interest in {first}.',
            'bye;goodbye;bye bye;see you;see you later;good night;that is all;that was all;have a nice day;farewell;ciao;cu;'
            'i have to go;i am done;no more questions;talk to you later;bye!;ok bye;thanks, bye;thank you and goodbye',
        ),
    }
    return {kind: (answer, text.split(';')) for kind, (answer, text) in table.items()}


def _hash(seed, text):
    return hashlib.sha256(f'{seed}|{text}'.encode()).hexdigest()


def split_wordings(seed, groups):
    """{kind: [(wording, core)]} → ({kind: trained}, {kind: held out}, {kind: held-out cores}).

    A fifth of each kind's wordings is held out. Where a kind has six cores or more, one whole core is part of that
    fifth: nothing like it was trained on, only its words in other places. A wording of several kinds has one fate.
    """
    train, test, unseen = {}, {}, {}
    for kind, pairs in groups.items():
        cores = list(dict.fromkeys(core for _, core in pairs))
        lost = min(cores, key=lambda c: _hash(seed, 'core' + c)) if len(cores) >= 6 else None
        if lost is not None and sum(core == lost for _, core in pairs) > HELD_OUT * len(pairs):
            lost = None
        wanted = max(1, round(HELD_OUT * len(pairs)))
        order = sorted(pairs, key=lambda pair: (pair[1] != lost, _hash(seed, pair[0])))
        test[kind] = [w for w, _ in order[:wanted]]
        unseen[kind] = {w for w, core in order[:wanted] if core == lost}
    held = {w for kind in test for w in test[kind]}
    for kind, pairs in groups.items():
        train[kind] = list(dict.fromkeys(w for w, _ in pairs if w not in held))
        if not train[kind]:
            raise ValueError(f'no wording left to train {kind}')
    return train, test, unseen


def _grammar(text):
    """Makes verbs agree with "you" and "they", which stand where the wordings have a third person."""
    for who in ('you', 'they'):
        text = re.sub(rf'\bdoes {who}\b', f'do {who}', text)
        text = re.sub(rf'\bis {who}\b', f'are {who}', text)
        text = re.sub(rf'\bwas {who}\b', f'were {who}', text)
        text = re.sub(rf'\bhas {who}\b', f'have {who}', text)
        text = re.sub(rf'\b{who} is\b', f'{who} are', text)
        text = re.sub(rf'\b{who} was\b', f'{who} were', text)
        text = re.sub(rf'\b{who} has\b', f'{who} have', text)
        text = re.sub(rf'\b{who} (work|live|want|like|know|speak|use|need|enjoy|prefer|volunteer|help|feel)s\b', rf'{who} \1', text)
        text = re.sub(rf'\b{who} does\b', f'{who} do', text)
    return text


_NEIGHBOURS = {
    'a': 'sq', 'b': 'vn', 'c': 'xv', 'd': 'sf', 'e': 'wr', 'f': 'dg', 'g': 'fh', 'h': 'gj', 'i': 'uo', 'j': 'hk', 'k': 'jl',
    'l': 'ko', 'm': 'n', 'n': 'bm', 'o': 'ip', 'p': 'o', 'q': 'wa', 'r': 'et', 's': 'ad', 't': 'ry', 'u': 'yi', 'v': 'cb',
    'w': 'qe', 'x': 'zc', 'y': 'tu', 'z': 'x',
}  # fmt: skip
_SHORT = {
    'you': 'u', 'your': 'ur', 'are': 'r', 'please': 'pls', 'what': 'wat', "what's": 'whats', 'what is': 'whats',
    'where is': "where's", 'who is': "who's", 'and': '&', 'thanks': 'thx', "i'd like to": 'i want to', 'tell me': 'say',
    'how is': "how's", 'when is': "when's", 'with': 'w/',
}  # fmt: skip


def noisy(text, rng, amount=1.0):
    """As people type: casing, missing marks, short forms, one or two typos. `amount` scales how often."""
    if rng.random() < 0.12 * amount:
        long = rng.choice(list(_SHORT))
        text = re.sub(rf'(?<![\w\']){re.escape(long)}(?![\w\'])', _SHORT[long], text)
    if rng.random() < 0.22 * amount:
        for _ in range(1 + (rng.random() < 0.25)):
            spots = [i for i, ch in enumerate(text) if ch.isalpha() and i > 0 and text[i - 1].isalpha()]
            if len(spots) < 4:
                break
            i = rng.choice(spots)
            how = rng.random()
            if how < 0.3:
                text = text[: i - 1] + text[i] + text[i - 1] + text[i + 1 :]
            elif how < 0.6:
                text = text[:i] + text[i + 1 :]
            elif how < 0.8:
                text = text[:i] + text[i] + text[i:]
            else:
                text = text[:i] + rng.choice(_NEIGHBOURS.get(text[i].lower(), text[i])) + text[i + 1 :]
    roll = rng.random()
    if roll < 0.45:
        text = text[:1].upper() + text[1:]
    elif roll < 0.75:
        text = text.lower()
    elif roll < 0.75 + 0.05 * amount:
        text = text.upper()
    if rng.random() < 0.25 and text.endswith('?') and len(text) > 1:
        text = text[:-1]
    elif rng.random() < 0.06 and text[-1:].isalpha():
        text += rng.choice(['?', '.', '!', ' ?', '??'])
    return text


def _bare(wording):
    return re.sub(r'[^\w{} ]', '', wording)


def framed(wording, rng):
    """The same with a word of politeness before or after it."""
    if rng.random() < 0.5:
        return rng.choice(_BEFORE) + wording
    mark = wording[-1:] if wording[-1:] in '?.!' else ''
    if rng.random() < 0.3:
        return wording + ' please'
    return wording[: len(wording) - len(mark)] + rng.choice(_AFTER) + mark


class World:
    """A CV's facts and wordings, and the sampling of dialogues and test questions from them."""

    def __init__(self, cv, seed):
        self.cv, self.seed = cv, seed
        self.facts = facts_of(cv)
        self.by_kind = {}
        for fact in self.facts:
            self.by_kind.setdefault(fact.kind, []).append(fact)
        missing = set(self.by_kind) - set(wordings.WORDINGS)
        if missing:
            raise ValueError(f'no wordings for {sorted(missing)}')
        self.declines = offcv.declines(cv)
        self.talk = small_talk(cv)

        groups = {}
        for kind in self.by_kind:
            # The two edges of the career share the wordings of their neighbours.
            source = {'follow.nothing_before': 'follow.before', 'follow.nothing_after': 'follow.after'}.get(kind, kind)
            groups[source] = [(w, core) for core in wordings.cores(wordings.WORDINGS[source]) for w in wordings.expand(core)]
        for attribute, text in wordings.FOLLOW.items():
            groups['+' + attribute] = [(core[3:], core) for core in wordings.cores(text)]
        for kind, (_, texts) in self.talk.items():
            groups['talk.' + kind] = [(text, text) for text in texts]
        self.train, self.test, self.unseen = split_wordings(seed, groups)
        for table in (self.train, self.test):
            for edge, source in (('follow.nothing_before', 'follow.before'), ('follow.nothing_after', 'follow.after')):
                if edge in self.by_kind and source in table:
                    table[edge] = table[source]

        # A frame around a wording that was trained on must not make one that was held out.
        self.held = {_bare(w) for table in self.test.values() for w in table}

        rng = random.Random(_hash(seed, 'pools'))
        self.words, self.test_words = offcv.pools(rng)
        known = json.dumps(cv).lower()
        for table in (self.words, self.test_words):  # A filler that the CV knows would be wrongly declined.
            for key in 'cutlw':
                table[key] = [w for w in table[key] if not re.search(rf'(?<!\w){re.escape(w.lower())}(?!\w)', known)]
        years = {int(y) for y in re.findall(r'\b(?:19|20)\d\d\b', json.dumps(cv))}
        earliest = min(int(e['start'][:4]) for e in cv['employment'] + cv['education'])
        self.own = {
            'k': [s['name'] for s in cv['skills']],
            'e': [j['employer'] for j in cv['employment']],
            'j': [p['name'] for p in cv['projects']],
            'x': self.near_miss,
            'h': list(dict.fromkeys([j['place'] for j in cv['employment']] + [cv['location']['city']])),
            'y': [str(y) for y in list(range(earliest - 45, earliest - 10)) + list(range(2035, 2090)) if y not in years],
        }
        self.unfit = [k for k in self.by_kind if '.' in k and any('{E}' in w for w in self.train[k]) and k.partition('.')[0] in offcv.UNFIT]
        # Kinds with many facts are drawn more often, but less than in proportion.
        self.kinds = [k for k in self.by_kind if not k.startswith('follow.')]
        self.weights = [len(self.by_kind[k]) ** 0.75 for k in self.kinds]

    def near_miss(self, rng):
        """The first word of a name in the CV with another second word: "Larkspur Foods"."""
        name = rng.choice([j['employer'] for j in self.cv['employment']] + [e['institution'] for e in self.cv['education']])
        return f'{name.split()[0]} {rng.choice([t for t in offcv.TAILS if t not in name])}'

    # --- filling in

    def persona(self, rng):
        """Who the visitor says: she, Mira, you, …: {s, p, o}."""
        cv = self.cv
        pro, first = cv['pronouns'], cv['firstName']
        her = {'s': pro['subject'], 'p': pro['possessive'], 'o': pro['object']}
        choices = [
            (0.36, her),
            (0.26, {'s': first, 'p': first + "'s", 'o': first}),
            (0.08, {'s': cv['name'], 'p': cv['name'] + "'s", 'o': cv['name']}),
            (0.16, {'s': 'you', 'p': 'your', 'o': 'you'}),
            (0.05, {'s': 'they', 'p': 'their', 'o': 'them'}),
            (0.06, {'s': 'the candidate', 'p': "the candidate's", 'o': 'the candidate'}),
            (0.03, {'s': 'he', 'p': 'his', 'o': 'him'}),
        ]
        roll = rng.random()
        for share, choice in choices:
            roll -= share
            if roll < 0:
                return choice
        return her

    def say(self, wording, rng, thing=None, noise=1.0):
        """A wording → what the visitor types."""
        text = wording.replace('and and ', 'and ')
        if '{' in text:
            who = self.persona(rng)
            # "your name", "tell me about you": with "you" these would be about the assistant.
            if who['s'] == 'you' and re.search(r'\{p\} (full )?name|about \{o\}|who is \{s\}|introduce|describe', text):
                who = {'s': self.cv['firstName'], 'p': self.cv['firstName'] + "'s", 'o': self.cv['firstName']}
            text = text.replace('{s}', who['s']).replace('{p}', who['p']).replace('{o}', who['o'])
            if thing is not None:
                if rng.random() < 0.4:
                    thing = thing.lower()
                text = text.replace('{E}', thing)
            if who['s'] in ('you', 'they'):
                text = _grammar(text)
        return noisy(text, rng, noise)

    def train_on(self, wording, rng, thing=None):
        """A wording → what is trained on."""
        if rng.random() < TRAINING_FRAMES:
            longer = framed(wording, rng)
            if _bare(longer) not in self.held:
                wording = longer
        return self.say(wording, rng, thing, TRAINING_NOISE)

    def ask(self, fact, rng, table, noise=1.0):
        wording = rng.choice(table[fact.kind])
        return wording, self.say(wording, rng, rng.choice(fact.names) if fact.names else None, noise)

    # --- follow-ups

    def follow_ups(self, fact):
        """What may be asked next about the entity of `fact`: [(wordings key, fact)]."""
        if not fact.entity:
            return []
        section = fact.entity[0]
        result = []
        for other in self.facts:
            if other.entity == fact.entity and other is not fact:
                part, _, attribute = other.kind.partition('.')
                if part == section and '+' + attribute in self.train and other.kind != fact.kind:
                    result.append(('+' + attribute, other))
        if section == 'job':
            for step, kind in ((1, 'follow.before'), (-1, 'follow.after')):
                # "before" facts belong to the job they name, one further down the list.
                near = [f for f in self.by_kind.get(kind, []) if f.entity[1] == fact.entity[1] + step]
                edge = self.by_kind['follow.nothing_before' if step > 0 else 'follow.nothing_after']
                result += [(kind, (near or edge)[0])] * 2
        if fact.kind.partition('.')[0] == section and fact.names:
            others = [f for f in self.by_kind[fact.kind] if f.entity != fact.entity]
            result += [('+other', f) for f in others[:1]] + [('+other', f) for f in others[-1:]]
        return result

    # --- sampling

    def off_question(self, rng):
        roll = rng.random()
        if rng.random() < 0.3:
            text, way = offcv.chatter(rng)
        elif roll < 0.5:
            way = rng.choices((offcv.UNKNOWN, offcv.NO, offcv.OTHER), (0.30, 0.35, 0.35))[0]
            text = rng.choice(offcv.TRAIN[way])
        elif roll < 0.75:
            # How a fact is asked, with a thing that the CV has not.
            way = offcv.NO
            kind = rng.choice(self.unfit)
            slot = rng.choice(offcv.UNFIT[kind.partition('.')[0]])
            text = rng.choice(self.train[kind]).replace('{E}', '{%s}' % slot)
        else:
            # How a property of the person is asked, with a property that nobody wrote down.
            way = offcv.UNKNOWN
            thing = rng.choice(('{n}', '{z}', '{n} {n}', '{z} {n}', '{n} {z}', 'favourite {z}', 'opinion on {n}'))
            shape = rng.random()
            if shape < 0.5:
                frame = rng.choice([f for f in wordings.N_FRAMES if '{p}' in f])
                text = frame.replace('{is}', rng.choice(('is', 'are'))).replace('{x}', thing)
            else:
                text = rng.choice(
                    (
                        f'does {{s}} {{v}} {thing}?',
                        f'does {{s}} {{z}}?',
                        f'what {thing} does {{s}} {{z}}?',
                        f'which {thing} does {{s}} {{v}}?',
                        f'how often does {{s}} {{v}} {thing}?',
                        f'is {{s}} {{z}}?',
                        f'has {{s}} {{z}} {thing}?',
                        f'did {{s}} {{v}} {thing}?',
                        f'when did {{s}} {{v}} the {{n}}?',
                        f'where did {{s}} {{v}} {thing}?',
                        f'why does {{s}} {{v}} {thing}?',
                        f'how many {thing}s does {{s}} {{v}}?',
                        f'can {{s}} {{v}} {thing}?',
                        f'who is {{p}} {thing}?',
                        f'what did {{s}} {{v}} last {{n}}?',
                    )
                )
        if roll < 0.5 and way == offcv.OTHER and rng.random() < 0.15:
            # General questions are of any shape and about anything.
            text = rng.choice(
                (
                    'how do {z} {z}?',
                    'should {z} be {z}?',
                    'should {n} be {z}?',
                    'are {n}s {z}?',
                    'what is the {z} of {n}?',
                    'what is the best {z}?',
                    'who {z} the {n}?',
                    'which {n} has {z}?',
                    'which {z} is {z}?',
                    'when did the {n} {z}?',
                    'what did {z} {z}?',
                    'how many {z} are in a {n}?',
                    'give me {z} to the {n}',
                    'show me the {n}',
                    '{z} me a {n}',
                    '{v} {z}',
                    'you are {z}, {v} {z}',
                    'repeat after me: {z}',
                    'my {n} {z}',
                    'can i {z} a {n}?',
                    'what should i {z}?',
                    'where can i {z} {n}?',
                    'why do {n}s {z}?',
                    'does {m} know {k}?',
                    'does {m} speak {l}?',
                    'where does {m} {z}?',
                    '{z} {n} {z} {n}',
                    'is it {z} to {v} {n}?',
                )
            )
        # Whatever name it is, what matters is that the CV has it not: there are more names than the lists have.
        text = re.sub(r'\{[cutlwm]\}', lambda slot: '{z}' if rng.random() < 0.2 else slot[0], text)
        return self.train_on(offcv.fill(text, self.words, self.own, rng), rng), self.declines[way]

    def dialogue(self, rng):
        """One dialogue to train on: [(question, answer)]."""
        turns, topic = [], None
        for _ in range(rng.choices((1, 2, 3, 4, 5, 6, 12), (30, 22, 18, 14, 10, 5, 1))[0]):
            follow = self.follow_ups(topic) if topic else []
            if follow and rng.random() < 0.6:
                key, fact = rng.choice(follow)
                thing = rng.choice(fact.names) if fact.names else None
                turns.append((self.train_on(rng.choice(self.train[key]), rng, thing), fact.answer))
                topic = fact if fact.entity else topic
                continue
            roll = rng.random()
            if roll < 0.46:
                fact = rng.choice(self.by_kind[rng.choices(self.kinds, self.weights)[0]])
                thing = rng.choice(fact.names) if fact.names else None
                turns.append((self.train_on(rng.choice(self.train[fact.kind]), rng, thing), fact.answer))
                topic = fact
            elif roll < 0.94:
                turns.append(self.off_question(rng))
                topic = None
            else:
                kind = rng.choice(list(self.talk))
                turns.append((self.train_on(rng.choice(self.train['talk.' + kind]), rng), self.talk[kind][0]))
        return turns

    # --- the test

    def test_questions(self, count, seed, noise=1.0):
        """Held-out wordings: [{messages, kind, keys, answer, unseen_core}], `count` of them, follow-ups included.

        `noise` is how often there are typos and short forms.
        """
        rng = random.Random(_hash(seed, 'test'))
        out = []
        while len(out) < count:
            fact = rng.choice(self.by_kind[rng.choices(self.kinds, self.weights)[0]])
            follow = self.follow_ups(fact)
            if follow and rng.random() < 0.3:
                key, target = rng.choice(follow)
                thing = rng.choice(target.names) if target.names else None
                wording = rng.choice(self.test[key])
                earlier = [
                    {'role': 'user', 'content': self.ask(fact, rng, self.train, noise)[1]},
                    {'role': 'assistant', 'content': fact.answer},
                ]
                question, kind = self.say(wording, rng, thing, noise), key
            else:
                target, earlier, kind = fact, [], fact.kind
                wording, question = self.ask(fact, rng, self.test, noise)
            out.append(
                {
                    'messages': earlier + [{'role': 'user', 'content': question}],
                    'kind': kind,
                    'wording': wording,
                    'keys': target.keys,
                    'answer': target.answer,
                    'unseen_core': wording in self.unseen.get(kind, ()),
                }
            )
        return out

    def test_off(self, seed):
        """Off-CV questions never trained on, [(question, group)]: written out, and trained shapes with unseen fillers."""
        rng = random.Random(_hash(seed, 'off'))
        groups = {'written': offcv.TEST, 'written_later': offcv.FINAL, 'written_last': offcv.LAST}
        out = [(self.say(text, rng, noise=0.5), name) for name, texts in groups.items() for text in texts]
        shapes = [t for way in offcv.TRAIN for t in offcv.TRAIN[way] if re.search(r'\{[cutlwmn]\}', t)]
        for text in rng.sample(shapes, 60):
            out.append((self.say(offcv.fill(text, self.test_words, self.own, rng), rng, noise=0.5), 'unseen_names'))
        return out

    def test_adversarial(self, seed):
        """Questions that presume what is not so: other employers, near misses of those in the CV, wrong years."""
        rng = random.Random(_hash(seed, 'adversarial'))
        tails = ['Bank', 'Motors', 'Foods', 'Airlines', 'Insurance']
        near = [f'{employer.split()[0]} {rng.choice(tails)}' for employer in self.own['e']]
        near = [name for name in near if name not in self.own['e']]
        texts = [
            'when did {s} leave {c}, in 2009 or 2010?',
            '{s} worked at {c} until 2011, right?',
            'what did {s} build at {c} in {w}?',
            'tell me about {p} years at {c}',
            'why did {s} move from {c} to {e}?',
            'i heard that {s} was fired from {c}',
            'at which {w} office of {c} did {s} work?',
            'who was {p} manager at {c}?',
            'did {s} get {p} phd at {u} or at {u}?',
            'which year did {s} graduate from {u}?',
            'was it {c} or {c} that {s} worked for first?',
            "{p} {c} job, what was the salary?",
        ]
        out = [self.say(offcv.fill(t, self.test_words, self.own, rng), rng, noise=0.3) for t in texts for _ in range(2)]
        out += [self.say(f'did {{s}} work at {name}?', rng, noise=0.3) for name in near]
        return out + [f"Did {self.cv['pronouns']['subject']} work at Google?"]
