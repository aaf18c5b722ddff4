#!/usr/bin/env python3
"""cv.json → a small language model that answers questions about it. See README.md in this folder."""

import argparse
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
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--steps', type=int, default=2400, help='training steps of 2,560 tokens')
    parser.add_argument('--questions', type=int, default=600, help='unseen wordings to evaluate with')
    parser.add_argument('--threads', type=int, default=min(2, os.cpu_count() or 1))
    parser.add_argument('--tiny', action='store_true', help='a tiny shape and a small evaluation, to test the tool itself')
    args = parser.parse_args(argv)
    if args.steps < 1 or args.questions < 1 or args.threads < 1:
        parser.error('--steps, --questions and --threads must be at least 1')
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

    from dialogues import World
    from model import TINY, Llama, Shape
    from tokenizer import Chat, save_tokenizer, train_tokenizer
    from train import train

    torch.set_num_threads(args.threads)
    world = World(cv, args.seed)
    shape = TINY if args.tiny else Shape()
    work = args.work or args.out.with_name(args.out.name + '.work')
    work.mkdir(parents=True, exist_ok=True)
    say(f'{len(world.facts)} facts in {len(world.by_kind)} kinds')

    tokenizer = train_tokenizer(world, shape.vocab, 300 if args.tiny else 20000, args.seed)
    chat = Chat(tokenizer)
    say(f'tokenizer of {tokenizer.get_vocab_size()} entries')
    torch.manual_seed(args.seed)
    model = Llama(shape)
    trained = train(model, world, chat, work, args.steps, args.seed, tokens=512 if args.tiny else 2560, say=say)
    torch.save(model.state_dict(), work / 'model.pt')
    tokenizer.save(str(work / 'tokenizer.json'))
    return 0


if __name__ == '__main__':
    sys.exit(main())
