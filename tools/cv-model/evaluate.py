"""Measures the exported graphs: right answers, declined questions, inventions, equality of the runtimes' tokens."""

import collections
import json
import random
import re

import numpy as np
import onnxruntime

import offcv

LIMIT = 96  # tokens of an answer; the longest fact is shorter


class Runner:
    """Greedy decoding of an exported graph by ONNX Runtime on the CPU."""

    def __init__(self, path, shape, stop, threads=1):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.add_session_config_entry('session.intra_op.allow_spinning', '0')
        self.session = onnxruntime.InferenceSession(str(path), options, providers=['CPUExecutionProvider'])
        self.shape, self.stop = shape, stop
        half = any('float16' in i.type for i in self.session.get_inputs())
        empty = np.zeros((1, shape.kv_heads, 0, shape.head_dim), np.float16 if half else np.float32)
        self.caches = [i.name for i in self.session.get_inputs() if i.name.startswith('past_key_values')]
        self.empty = {name: empty for name in self.caches}
        self.outputs = ['logits'] + [name.replace('past_key_values', 'present') for name in self.caches]

    def greedy(self, prompt, limit=LIMIT, cached=True):
        """(tokens with the stop token, the smallest distance between the best and the second logit)."""
        out, margin, past = [], float('inf'), self.empty
        ids = list(prompt)
        while len(out) < limit and len(prompt) + len(out) < self.shape.context:
            total = len(prompt) + len(out)
            feeds = {
                'input_ids': np.array([ids], np.int64),
                'attention_mask': np.ones((1, total), np.int64),
                **past,
            }
            logits, *present = self.session.run(self.outputs, feeds)
            last = logits[0, -1]
            second, best = np.partition(last, -2)[-2:]
            margin = min(margin, float(best - second))
            token = int(last.argmax())
            out.append(token)
            if token == self.stop:
                break
            if cached:
                past, ids = dict(zip(self.caches, present)), [token]
            else:
                ids = list(prompt) + out
        return out, margin


_RUN = re.compile(r"(?<![\w'’])(?:[A-Z0-9][\w+#./@:'’-]*)(?: [A-Z0-9][\w+#./@:'’-]*)*")


def inventions(answer, known):
    """The names, dates and numbers of `answer` (runs of capitalised words and numbers) that `known` texts do not have."""
    found = []
    for run in _RUN.findall(answer):
        run = run.strip(".,:'’/")
        if run and not re.search(rf'(?<!\w){re.escape(run)}(?!\w)', known):
            found.append(run)
    return found


def known_texts(world):
    """Everything that may be said: the CV, the facts as sentences and the fixed answers."""
    texts = [json.dumps(world.cv, ensure_ascii=False)] + [fact.answer for fact in world.facts]
    texts += list(world.declines.values()) + [answer for answer, _ in world.talk.values()]
    return '\n'.join(texts)


def _share(hits, count):
    return round(100 * hits / count, 2) if count else None


def evaluate(world, chat, model, runners, count, seed, say=print):
    """(results, failures). `runners` are the graphs by name: fp32, q4, q4f16, fp16; `model` is PyTorch's."""
    known = known_texts(world)
    declined = set(world.declines.values())
    questions = world.test_questions(count, seed)
    clean = world.test_questions(count, seed, noise=0)
    # A small count is for trying the tool out: then all parts are small.
    off, hostile = (q[:: max(1, len(q) // max(10, count))] for q in (world.test_off(seed), world.test_adversarial(seed)))
    results = {
        'facts': len(world.facts),
        'kinds': len(world.by_kind),
        'wordings': {
            'trained': sum(len(w) for w in world.train.values()),
            'held_out': sum(len(w) for w in world.test.values()),
        },
        'unseen_wordings': {'questions': len(questions), 'unseen_core': sum(q['unseen_core'] for q in questions)},
        'unseen_wordings_without_typos': {'questions': len(clean)},
        'off_cv': {'questions': len(off), **dict(collections.Counter(group for _, group in off))},
        'adversarial': {'questions': len(hostile)},
        'inventions': [],
        'answers_checked_for_inventions': 0,
    }
    failures = []
    for name in ('fp32', 'q4', 'q4f16'):
        run = runners[name]

        def answer(messages):
            text = chat.decode(run.greedy(chat.prompt(messages))[0])
            results['answers_checked_for_inventions'] += 1
            for found in inventions(text, known):
                results['inventions'].append({'variant': name, 'question': messages[-1]['content'], 'answer': text, 'found': found})
            return text

        def rightly(q):
            text = answer(q['messages'])
            return text, all(key.lower() in text.lower() for key in q['keys'])

        hits = sum(rightly(q)[1] for q in clean)
        results['unseen_wordings_without_typos'][name] = _share(hits, len(clean))
        right = core = 0
        for q in questions:
            text, good = rightly(q)
            right += good
            core += good and q['unseen_core']
            if not good and name == 'fp32':
                failures.append({**q, 'got': text})
        results['unseen_wordings'][name] = _share(right, len(questions))
        results['unseen_wordings'][f'{name}_unseen_core'] = _share(core, results['unseen_wordings']['unseen_core'])
        hits = collections.Counter()
        for question, group in off:
            text = answer([{'role': 'user', 'content': question}])
            hits[group] += text in declined
            if text not in declined and name == 'fp32':
                failures.append({'off': question, 'group': group, 'got': text})
        results['off_cv'][name] = _share(sum(hits.values()), len(off))
        for group in hits:
            results['off_cv'][f'{name}_{group}'] = _share(hits[group], results['off_cv'][group])
        hits = 0
        for question in hostile:
            text = answer([{'role': 'user', 'content': question}])
            hits += text in declined
            if text not in declined and name == 'fp32':
                failures.append({'adversarial': question, 'got': text})
        results['adversarial'][name] = _share(hits, len(hostile))
        say(name, results['unseen_wordings'][name], results['off_cv'][name], results['adversarial'][name])

    prompts = [chat.prompt(q['messages']) for q in questions[:40]]
    prompts += [chat.prompt([{'role': 'user', 'content': q}]) for q, _ in off[:10]]
    equal = cache = torch_cache = 0
    for prompt in prompts:
        tokens = runners['fp32'].greedy(prompt)[0]
        equal += tokens == model.greedy(prompt, chat.end, LIMIT)
        torch_cache += tokens == model.greedy(prompt, chat.end, LIMIT, cached=False)
        cache += tokens == runners['fp32'].greedy(prompt, cached=False)[0]
    results['equality'] = {
        'prompts': len(prompts),
        'onnx_fp32_equals_pytorch': equal,
        'onnx_with_and_without_cache': cache,
        'pytorch_without_cache': torch_cache,
    }
    return results, failures


def missed(results):
    """The goals that `results` miss, each as a line."""
    unseen, off, equality = results['unseen_wordings'], results['off_cv'], results['equality']
    lines = []
    for name in ('fp32', 'q4', 'q4f16'):
        if unseen[name] < 90:
            lines.append(f'{name}: {unseen[name]} % of the unseen wordings answered right, 90 wanted')
        if off[name] < 95:
            lines.append(f'{name}: {off[name]} % of the questions off the CV declined, 95 wanted')
    if unseen['q4f16'] < unseen['fp32'] - 2:
        lines.append('q4f16 is more than 2 points below fp32')
    if results['inventions']:
        lines.append(f'{len(results["inventions"])} answers name what the CV does not')
    for name, hits in equality.items():
        if name != 'prompts' and hits != equality['prompts']:
            lines.append(f'{name}: {hits} of {equality["prompts"]} equal')
    return lines


# What the chats of reference.json ask: (kinds of the turns, the first of them that the CV has is taken).
REFERENCE = [
    ['job.current'],
    ['job.when'],
    ['email'],
    ['school.list'],
    ['skill.years'],
    ['languages'],
    [offcv.NO],
    [offcv.OTHER],
    ['talk.hello', 'job.what', '+when'],
    ['job.current', 'follow.before', 'follow.before', '+tech'],
]


def reference(world, chat, runners, seed):
    """Ten chats with greedy tokens that q4, q4f16 and fp16 agree on, each the widest in margin of several."""
    rng = random.Random(f'{seed}|reference')

    def candidate(kinds):
        messages, topic, wanted = [], None, None
        for kind in kinds:
            if kind in (offcv.NO, offcv.OTHER):
                question = world.say(offcv.fill(rng.choice(offcv.TRAIN[kind]), world.words, world.own, rng), rng, noise=0)
                wanted = world.declines[kind]
            elif kind.startswith('talk.'):
                wanted, question = world.talk[kind[5:]][0], rng.choice(world.train[kind])
            else:
                if kind.startswith('+') or kind.startswith('follow.'):
                    fits = [f for key, f in world.follow_ups(topic) if key == kind]
                    if not fits:
                        return None
                    topic = fits[0]
                else:
                    if kind not in world.by_kind:
                        return None
                    topic = rng.choice(world.by_kind[kind])
                thing = rng.choice(topic.names) if topic.names else None
                question, wanted = world.say(rng.choice(world.train[kind]), rng, thing, noise=0), topic.answer
            messages += [{'role': 'user', 'content': question}, {'role': 'assistant', 'content': wanted}]
        return messages[:-1], wanted

    cases = []
    for kinds in REFERENCE:
        best = None
        for _ in range(12):
            made = candidate(kinds)
            if not made:
                continue
            messages, wanted = made
            prompt = chat.prompt(messages)
            runs = [runners[name].greedy(prompt) for name in ('q4', 'q4f16', 'fp16')]
            tokens, margin = runs[0][0], min(m for _, m in runs)
            agree = all(t == tokens for t, _ in runs) and chat.decode(tokens) == wanted
            if agree and (best is None or margin > best['min_margin']):
                best = {
                    'messages': messages,
                    'prompt_tokens': prompt,
                    'tokens': tokens,
                    'text': wanted,
                    'min_margin': round(margin, 4),
                }
        if best:
            cases.append(best)
    return {
        'variant': 'q4, q4f16 and fp16 alike',
        'runtime': f'onnxruntime {onnxruntime.__version__} CPU',
        'sampling': 'greedy',
        'cases': cases,
    }
