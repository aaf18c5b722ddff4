"""The model card, with the evaluation's results."""

import json

from train import HOLD


def card(world, shape, parameters, trained, results, sizes):
    cv, unseen, off = world.cv, results['unseen_wordings'], results['off_cv']
    rows = '\n'.join(f'| `{name}` | {size:,} |' for name, size in sizes.items())
    clean = results['unseen_wordings_without_typos']
    table = '\n'.join(
        f'| {name} | {unseen[name]} % | {unseen[name + "_unseen_core"]} % | {clean[name]} % | {off[name]} % | {results["adversarial"][name]} % |'
        for name in ('fp32', 'q4', 'q4f16')
    )
    equality = results['equality']
    steps, last = trained['steps'], trained['steps_of_the_last_training']
    steps = f'{steps:,} steps' + (f' (the last {last:,} of them in a training of their own)' if last < steps else '')
    if 'averaged' in trained:
        steps = f"{trained['steps']:,} steps in {trained['averaged']} trainings, each begun from the first, whose weights were then averaged, each"
    goals = ''.join(f'- **Goal missed:** {goal}.\n' for goal in results['goals_missed'])
    return f"""---
license: mit
language: en
pipeline_tag: text-generation
library_name: transformers.js
---

# CV mini

A small language model that answers questions about one CV, that of {cv['name']} (see the project's `web/demo/cv.json`; the
person, the employers and everything else in the demo CV are invented). Made by `tools/cv-model` from that file alone.

```js
import {{ pipeline }} from '@huggingface/transformers';
const ask = await pipeline('text-generation', 'cv-mini', {{ dtype: 'q4' }});
await ask([{{ role: 'user', content: 'Where does {cv['pronouns']['subject']} work now?' }}], {{ max_new_tokens: 96 }});
```

## The model

Llama shape (RMSNorm, rotary positions, grouped-query attention, SwiGLU, tied embedding): {parameters:,} parameters, {shape.layers} layers,
width {shape.hidden}, {shape.heads} heads of {shape.head_dim} with {shape.kv_heads} key-value heads, inner width {shape.inner}, context {shape.context}, byte-level BPE of {shape.vocab:,} entries.
The last {round(100 * (1 - HOLD))} % of the training saw the matrices as 4 bits say them (block 32), and the final weights lie on that grid:
fp16, q4 and q4f16 are one model in three encodings, and differ by rounding alone.

| file | bytes |
|---|---|
{rows}

The chat template leaves system messages out (the CV is in the weights, and the model follows no instructions) and puts
questions in lower case.
q4 holds no fp16 value, so it runs on WebGPU without `shader-f16`.

## Data

{results['facts']} facts of {results['kinds']} kinds, asked in {results['wordings']['trained']:,} wordings (before names, casing, typos and short forms are
filled in); {results['wordings']['held_out']:,} more, a fifth of each kind, were never trained on. Dialogues of 1 to 12 turns with follow-ups
("and before that?"), small talk, and questions that the CV does not answer. Trained from scratch: {steps} of
{trained['tokens_per_step']:,} tokens, the loss on the answers only, {trained['seconds'] / 60:.0f} minutes on two busy CPU cores. No other text was used.

## Results

Greedy answers by ONNX Runtime on the CPU to {unseen['questions']} questions in unseen wordings (with casing, typos and short forms as in the training; of which {unseen['unseen_core']} of a phrase that has
no relative in the training), {off['questions']} unseen questions off the CV, and {results['adversarial']['questions']} that presume what is not so.
Of the questions off the CV, {off.get('written_last', 0)} were written after all others.

| | right fact, unseen wordings | of these, unseen phrases | unseen wordings without typos | off the CV, declined | false premise, declined |
|---|---|---|---|---|---|
{table}

{goals}- Of the last-written questions off the CV, fp32 declined {off.get('fp32_written_last')} %, q4f16 {off.get('q4f16_written_last')} %.
- Answers that name an employer, date, place or number which the CV does not have: {len(results['inventions'])} of {results['answers_checked_for_inventions']:,}.
- Tokens of the exported fp32 graph equal to PyTorch's: {equality['onnx_fp32_equals_pytorch']} of {equality['prompts']} prompts; with and without KV cache: {equality['onnx_with_and_without_cache']} of {equality['prompts']}.

<details><summary>All results</summary>

```json
{json.dumps({k: v for k, v in results.items() if k != 'inventions'}, indent=1)}
```

</details>

`reference.json` has greedy tokens for ten chats; q4, q4f16 and fp16 agree on them.

## Limits

It knows one CV and English, and nothing else. Each turn of a chat should fit the context of {shape.context} tokens. A question in words it
never met can be declined or misread; "false premise" above shows how often it falls for a wrong assumption about the person.
Do not rely on it where a wrong answer would hurt: the CV itself is the source.
"""
