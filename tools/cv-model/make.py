#!/usr/bin/env python3
"""cv.json → a small language model that answers questions about it. See README.md in this folder."""

import argparse
import hashlib
import json
import os
import shutil
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(HERE))
# A waiting OpenMP thread must not spin: on shared cores the spinning costs more than the training.
os.environ.setdefault('OMP_WAIT_POLICY', 'PASSIVE')


def say(*parts):
    print(time.strftime('%H:%M:%S'), *parts, file=sys.stderr, flush=True)


def arguments(argv):
    parser = argparse.ArgumentParser(prog='make', description='Makes a model that answers questions about a CV.')
    parser.add_argument('--cv', type=Path, default=ROOT / 'web/demo/cv.json', help='the one source of facts')
    parser.add_argument('--out', type=Path, default=ROOT / 'web/models/cv-mini', help='the folder to (re)place at the end')
    parser.add_argument('--work', type=Path, help='the folder for what is unfinished (default: OUT.work, deleted at the end)')
    parser.add_argument('--start', type=Path, help='the work folder of an earlier training, to begin with its weights and tokenizer')
    parser.add_argument(
        '--average', type=Path, nargs='+', help='no training: the mean of the weights of these work folders, each begun from the first'
    )
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--steps', type=int, default=3400, help='training steps of 2,560 tokens')
    parser.add_argument('--rate', type=float, default=2e-3, help='the highest learning rate; with --start, take less')
    parser.add_argument('--questions', type=int, default=600, help='unseen wordings to evaluate with')
    parser.add_argument('--threads', type=int, default=min(2, os.cpu_count() or 1))
    parser.add_argument('--force', action='store_true', help='publish even if the evaluation misses its goals')
    parser.add_argument('--tiny', action='store_true', help='a tiny shape and a small evaluation, to test the tool itself')
    args = parser.parse_args(argv)
    if args.steps < 1 or args.questions < 1 or args.threads < 1:
        parser.error('--steps, --questions and --threads must be at least 1')
    if args.average and args.start:
        parser.error('--average does not train, so it takes no --start')
    return args


def main(argv=None):
    args = arguments(argv)
    from facts import CvError, load_cv

    try:
        cv = load_cv(args.cv)
    except CvError as error:
        print(f'cv-model: {error}', file=sys.stderr)
        return 2

    import torch
    from tokenizers import Tokenizer

    from card import card
    from dialogues import World
    from evaluate import Runner, evaluate, missed, reference
    from export import VARIANTS, export
    from model import DROPOUT, TINY, Llama, Shape
    from tokenizer import Chat, save_tokenizer, train_tokenizer
    from train import average, train

    torch.set_num_threads(args.threads)
    try:
        world = World(cv, args.seed)
    except ValueError as error:
        print(f'cv-model: {error}', file=sys.stderr)
        return 2
    shape = TINY if args.tiny else Shape()
    work = args.work or args.out.with_name(args.out.name + '.work')
    work.mkdir(parents=True, exist_ok=True)
    say(f'{len(world.facts)} facts in {len(world.by_kind)} kinds')

    known = args.start or (args.average and args.average[0])
    if known:
        tokenizer = Tokenizer.from_file(str(known / 'tokenizer.json'))
    else:
        tokenizer = train_tokenizer(world, shape.vocab, 300 if args.tiny else 20000, args.seed)
    tokenizer.save(str(work / 'tokenizer.json'))
    chat = Chat(tokenizer)
    say(f'tokenizer of {tokenizer.get_vocab_size()} entries')
    torch.manual_seed(args.seed)
    model = Llama(shape, DROPOUT)
    options = {'tokens': 512 if args.tiny else 2560, 'peak': args.rate, 'say': say}
    if args.start:
        earlier = torch.load(args.start / 'checkpoint.pt')
        model.load_state_dict(earlier['model'])
        options['before'] = {name: earlier['before'][name] + earlier[name] for name in ('step', 'spent')}
    try:
        if args.average:
            trained = average(model, [torch.load(folder / 'checkpoint.pt') for folder in args.average])
        else:
            trained = train(model, world, chat, work, args.steps, args.seed, **options)
    except ValueError as error:
        print(f'cv-model: {error}', file=sys.stderr)
        return 2

    # fp32 is for the evaluation alone; the rest is built in full before it takes the place of what was there.
    fresh, check = work / 'fresh', work / 'check'
    for folder in (fresh, check):
        shutil.rmtree(folder, ignore_errors=True)
    export(model, fresh, chat)
    export(model, check, chat, ['fp32'])
    save_tokenizer(tokenizer, fresh, shape.context)
    runners = {}
    for name in VARIANTS:
        path = check / 'onnx/model.onnx' if name == 'fp32' else fresh / f'onnx/model_{name}.onnx'
        runners[name] = Runner(path, shape, chat.end, args.threads)
    say('exported; evaluating')
    questions = 10 if args.tiny else args.questions
    results, failures = evaluate(world, chat, model, runners, questions, args.seed, say)
    (work / 'failures.json').write_text(json.dumps(failures, indent=1, ensure_ascii=False) + '\n')
    cases = reference(world, chat, runners, args.seed)
    results['reference_chats'] = len(cases['cases'])
    parameters = sum(p.numel() for p in model.parameters())
    results['parameters'], results['trained'] = parameters, trained
    goals = missed(results)
    results['goals_missed'] = goals
    (fresh / 'reference.json').write_text(json.dumps(cases, indent=1) + '\n')
    sizes = {str(p.relative_to(fresh)): p.stat().st_size for p in sorted(fresh.rglob('*')) if p.is_file()}
    results['bytes'] = sizes
    (fresh / 'README.md').write_text(card(world, shape, parameters, trained, results, sizes))

    # A tiny model has learned nothing; it only shows that every step runs.
    if goals and not args.tiny and not args.force:
        for goal in goals:
            print(f'cv-model: {goal}', file=sys.stderr)
        print(f'cv-model: nothing was written to {args.out}; see {work}, or use --force', file=sys.stderr)
        print(json.dumps(results))
        return 3
    write_manifest(fresh)
    publish(fresh, args.out)
    shutil.rmtree(check)
    if args.work is None:
        shutil.rmtree(work)
    print(json.dumps(results))
    return 0


def write_manifest(folder):
    """candor.json: size and sha256 of every file, for a loader that reads a plain folder without the Hub's API."""
    files = [
        {'path': p.relative_to(folder).as_posix(), 'size': p.stat().st_size, 'sha256': hashlib.sha256(p.read_bytes()).hexdigest()}
        for p in sorted(folder.rglob('*'))
        if p.is_file() and p.suffix != '.md'
    ]
    (folder / 'candor.json').write_text(json.dumps({'version': 1, 'files': files}, indent=1) + '\n')


def publish(fresh, out):
    """Puts the finished folder in the place of the old one."""
    out.parent.mkdir(parents=True, exist_ok=True)
    old = out.with_name(out.name + '.old')
    shutil.rmtree(old, ignore_errors=True)
    if out.exists():
        out.rename(old)
    shutil.move(str(fresh), str(out))
    shutil.rmtree(old, ignore_errors=True)


if __name__ == '__main__':
    sys.exit(main())
