"""Training: seeded, resumable, the loss on the assistant's tokens only."""

import os
import random
import time

import torch
import torch.nn.functional as F

POOL = 2048  # dialogues sampled at a time, sorted by length so that a batch has little padding


def _batches(world, chat, context, tokens, stream, pool):
    """The batches of one pool: (ids, targets), [rows, n]; a target of -1 is not asked for."""
    rng = random.Random(f'{stream}|pool|{pool}')
    rows = []
    for _ in range(POOL):
        ids, wanted = chat.training(world.dialogue(rng), rng)
        rows.append((ids[:context], wanted[:context]))
    rng.shuffle(rows)
    rows.sort(key=lambda row: len(row[0]))
    result, start = [], 0
    while start < len(rows):
        stop = start + 1
        while stop < len(rows) and len(rows[stop][0]) * (stop + 1 - start) <= tokens:
            stop += 1
        part = rows[start:stop]
        longest = len(part[-1][0])
        ids = torch.full((len(part), longest), chat.pad)
        targets = torch.full((len(part), longest), -1)
        for i, (row, wanted) in enumerate(part):
            ids[i, : len(row)] = torch.tensor(row)
            targets[i, : len(row) - 1] = torch.tensor([t if w else -1 for t, w in zip(row[1:], wanted[1:])])
        result.append((ids, targets))
        start = stop
    rng.shuffle(result)
    return result


WARMUP = 100
HOLD = 0.65  # of the steps; then the rate falls linearly, and the weights are seen as 4 bits say them


def _rate(step, steps, peak):
    """Warm up, hold, fall: before the fall the number of steps to come does not matter, so it can still be changed."""
    falling = max(0.0, (step - HOLD * steps) / ((1 - HOLD) * steps))
    return peak * min(1, (step + 1) / WARMUP) * (1 - 0.98 * falling)


def train(model, world, chat, folder, steps, seed, tokens=2560, peak=2e-3, every=50, before=None, say=print):
    """Trains `model` in place for `steps` steps and leaves its weights on the 4-bit grid.

    `folder` holds the checkpoint (every `every` steps) that a later call with the same arguments goes on from.
    `steps` may differ from the first call's as long as the rate has not begun to fall.
    """
    before = before or {'step': 0, 'spent': 0.0}  # trainings that the weights have behind them
    torch.manual_seed(seed)
    decay = [p for p in model.parameters() if p.dim() == 2]
    plain = [p for p in model.parameters() if p.dim() != 2]
    groups = [{'params': decay, 'weight_decay': 0.05}, {'params': plain, 'weight_decay': 0.0}]
    optimiser = torch.optim.AdamW(groups, lr=peak, betas=(0.9, 0.98))
    checkpoint = folder / 'checkpoint.pt'
    settings = {'seed': seed, 'tokens': tokens, 'peak': peak, 'shape': model.shape.dict()}
    step, pool, at, spent, mean = 0, 0, 0, 0.0, None
    if checkpoint.exists():
        saved = torch.load(checkpoint)
        fallen = saved['step'] > HOLD * min(steps, saved['steps']) and saved['steps'] != steps
        if saved['settings'] != settings or fallen:
            raise ValueError(f'{checkpoint} is of another training; delete the folder or use the same options')
        model.load_state_dict(saved['model'])
        optimiser.load_state_dict(saved['optimiser'])
        torch.set_rng_state(saved['rng'])
        step, pool, at, spent = saved['step'], saved['pool'], saved['at'], saved['spent']
        mean = saved.get('loss')
        say(f'going on from step {step}')

    def save():
        part = checkpoint.with_suffix('.part')
        torch.save(
            {
                'settings': settings,
                'steps': steps,
                'model': model.state_dict(),
                'optimiser': optimiser.state_dict(),
                'rng': torch.get_rng_state(),
                'step': step,
                'pool': pool,
                'at': at,
                'spent': spent,
                'loss': mean,
                'before': before,
            },
            part,
        )
        os.replace(part, checkpoint)

    model.train()
    # A training that goes on from another sees other dialogues.
    stream = f'{seed}|{before["step"]}'
    batches = _batches(world, chat, model.shape.context, tokens, stream, pool) if step < steps else []
    began, total, count = time.monotonic(), 0.0, 0
    while step < steps:
        if at == len(batches):
            pool, at = pool + 1, 0
            batches = _batches(world, chat, model.shape.context, tokens, stream, pool)
        ids, targets = batches[at]
        at += 1
        model.fake = step >= HOLD * steps
        for group in optimiser.param_groups:
            group['lr'] = _rate(step, steps, peak)
        wanted = targets >= 0
        logits, _ = model(ids, positions=wanted)
        loss = F.cross_entropy(logits, targets[wanted])
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        step += 1
        total, count = total + float(loss.detach()), count + 1
        report = step % 25 == 0 or step == steps
        if report:
            now = time.monotonic()
            spent, began = spent + now - began, now
            mean, total, count = total / count, 0.0, 0
        if step % every == 0 or step == steps:
            save()
        if report:
            say(f'step {step}/{steps} loss {mean:.4f} {spent / step:.3f} s/step')
    model.eval()
    model.snap()
    return {
        'steps': before['step'] + steps,
        'steps_of_the_last_training': steps,
        'tokens_per_step': tokens,
        'seconds': round(before['spent'] + spent),
        'loss': mean,
    }


@torch.no_grad()
def average(model, checkpoints):
    """Gives `model` the mean of the checkpoints' weights, on the 4-bit grid.

    Trainings that go on from one set of weights stay in one valley of the loss, and its middle often answers what is new
    better than its sides (Wortsman et al. 2022, "Model soups"): evaluate and compare.
    """
    first = checkpoints[0]
    for one in checkpoints:
        if one['settings']['shape'] != first['settings']['shape']:
            raise ValueError('only models of one shape can be averaged')
    model.load_state_dict({name: sum(one['model'][name] for one in checkpoints) / len(checkpoints) for name in first['model']})
    model.eval()
    model.snap()
    # The others began with the first, so what lies before it, and its own steps, count once.
    return {
        'steps': first['before']['step'] + sum(one['step'] for one in checkpoints),
        'averaged': len(checkpoints),
        'steps_of_the_last_training': checkpoints[-1]['step'],
        'tokens_per_step': first['settings']['tokens'],
        'seconds': round(first['before']['spent'] + sum(one['spent'] for one in checkpoints)),
        'loss': checkpoints[-1]['loss'],
    }
