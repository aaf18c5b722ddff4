"""The tokenizer: byte-level BPE trained on the dialogues, saved as Hugging Face's tokenizer.json and its config."""

import json
import random

import tokenizers
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers

CUT = 0.05  # of the places between two letters of a question, in training
START, END, PAD = '<|im_start|>', '<|im_end|>', '<|endoftext|>'

# The model has the CV in its weights and knows no instructions, so a system message is left out. Questions are read in
# lower case: shouting and careless capitals then need not be learned.
CHAT_TEMPLATE = (
    "{% for message in messages %}{% if message['role'] != 'system' %}"
    "{{ '<|im_start|>' + message['role'] + '\n' }}"
    "{% if message['role'] == 'user' %}{{ message['content'] | lower }}{% else %}{{ message['content'] }}{% endif %}"
    "{{ '<|im_end|>' + '\n' }}"
    "{% endif %}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


def train_tokenizer(world, size, dialogues, seed):
    """Byte-level BPE of `size` entries, trained on `dialogues` sampled dialogues. The same seed gives the same."""
    rng = random.Random(seed)

    def texts():
        for fact in world.facts:
            for _ in range(3):
                yield fact.answer
        for _ in range(dialogues):
            for question, answer in world.dialogue(rng):
                yield 'user\n' + question.lower()
                yield 'assistant\n' + answer

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=[AddedToken(t, special=True, normalized=False) for t in (PAD, START, END)],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
        min_frequency=2,
    )
    tokenizer.train_from_iterator(texts(), trainer)
    return tokenizer


def save_tokenizer(tokenizer, folder, context):
    tokenizer.save(str(folder / 'tokenizer.json'), pretty=False)
    config = {
        'tokenizer_class': 'GPT2Tokenizer',
        'add_prefix_space': False,
        'add_bos_token': False,
        'bos_token': START,
        'eos_token': END,
        'pad_token': PAD,
        'unk_token': PAD,
        'model_max_length': context,
        'clean_up_tokenization_spaces': False,
        'chat_template': CHAT_TEMPLATE,
    }
    (folder / 'tokenizer_config.json').write_text(json.dumps(config, indent=2) + '\n')


class Chat:
    """Messages → tokens, exactly as CHAT_TEMPLATE and the tokenizer do."""

    def __init__(self, tokenizer):
        self.tokenizer = tokenizer
        self.start, self.end, self.pad = (tokenizer.token_to_id(t) for t in (START, END, PAD))
        self.newline = tokenizer.encode('\n').ids
        self.cache = {}

    def _ids(self, text):
        # Answers come again and again; questions hardly ever.
        if text not in self.cache:
            if len(self.cache) > 4000:
                self.cache.clear()
            self.cache[text] = self.tokenizer.encode(text, add_special_tokens=False).ids
        return self.cache[text]

    def message(self, role, content):
        content = content.lower() if role == 'user' else content
        return [self.start, *self._ids(f'{role}\n{content}'), self.end, *self.newline]

    def opening(self):
        return [self.start, *self._ids('assistant\n')]

    def prompt(self, messages):
        """The tokens that the model is given to answer `messages`."""
        ids = []
        for message in messages:
            if message['role'] != 'system':
                ids += self.message(message['role'], message['content'])
        return ids + self.opening()

    def _asked(self, question, rng):
        """A question as tokens, some words in more pieces than the merges would make of them.

        A typo and an unknown name fall apart into such pieces, so the model has to know words by them, too (subword
        regularisation, as BPE-dropout, Provilkov et al. 2020, but from a seed).
        """
        text, ids, start = f'user\n{question.lower()}', [self.start], 0
        for i in range(len('user\n') + 1, len(text)):
            if rng and text[i - 1].isalnum() and text[i].isalnum() and rng.random() < CUT:
                ids += self._ids(text[start:i])
                start = i
        return [*ids, *self._ids(text[start:]), self.end, *self.newline]

    def training(self, turns, rng=None):
        """(tokens, wanted): wanted[i] tells whether tokens[i] is the model's own to say. With `rng`, words are cut."""
        ids, wanted = [], []
        for question, answer in turns:
            asked = self._asked(question, rng) + self.opening()
            # The answer is encoded as the model will produce it: after "assistant\n", on its own.
            said = [*self._ids(answer), self.end]
            ids += asked + said + self.newline
            wanted += [False] * len(asked) + [True] * len(said) + [False] * len(self.newline)
        return ids, wanted

    def decode(self, ids):
        return self.tokenizer.decode([i for i in ids if i not in (self.start, self.end, self.pad)])


def version():
    return tokenizers.__version__
