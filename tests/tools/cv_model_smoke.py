"""The CV model's tool, end to end on a tiny shape in a temporary folder, and what it does with a bad cv.json."""

import copy
import json
import os
import random
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TOOL = ROOT / 'tools/cv-model'
DEMO = ROOT / 'web/demo/cv.json'
sys.path.insert(0, str(TOOL))
os.environ.setdefault('OMP_WAIT_POLICY', 'PASSIVE')

import jinja2  # noqa: E402
import torch  # noqa: E402

import evaluate  # noqa: E402
import facts  # noqa: E402
import model  # noqa: E402
from dialogues import World  # noqa: E402
from tokenizer import CHAT_TEMPLATE, Chat, train_tokenizer  # noqa: E402
from train import average, train  # noqa: E402

torch.set_num_threads(1)


def make(*args):
    command = [sys.executable, str(TOOL / 'make.py'), '--threads', '1', *map(str, args)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300)


class Folder(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = Path(temporary.name)


class TheToolFromEndToEnd(Folder):
    def test_five_steps_on_a_tiny_shape_give_a_complete_model_whose_runtimes_agree(self):
        out = self.folder / 'model'
        ran = make('--tiny', '--steps', 5, '--out', out)
        self.assertEqual(ran.returncode, 0, ran.stderr)
        results = json.loads(ran.stdout.splitlines()[-1])
        equality = results['equality']
        self.assertGreaterEqual(equality['prompts'], 20)
        for name in ('onnx_fp32_equals_pytorch', 'onnx_with_and_without_cache', 'pytorch_without_cache'):
            self.assertEqual(equality[name], equality['prompts'], name)
        names = {str(p.relative_to(out)) for p in out.rglob('*') if p.is_file()}
        onnx = {'onnx/model_q4.onnx', 'onnx/model_q4f16.onnx', 'onnx/model_fp16.onnx', 'onnx/model_fp16.onnx_data'}
        plain = {'config.json', 'generation_config.json', 'tokenizer.json', 'tokenizer_config.json', 'README.md', 'reference.json', 'candor.json'}
        self.assertEqual(names, onnx | plain)
        config = json.loads((out / 'config.json').read_text())
        self.assertEqual(config['architectures'], ['LlamaForCausalLM'])
        self.assertEqual(sorted(p.name for p in self.folder.iterdir()), ['model'], 'something unfinished was left behind')

    def test_the_mean_of_trainings_is_published_as_a_training_is(self):
        work, out = self.folder / 'work', self.folder / 'model'
        self.assertEqual(make('--tiny', '--steps', 2, '--work', work, '--out', out).returncode, 0)
        graph = (out / 'onnx/model_q4.onnx').read_bytes()
        ran = make('--tiny', '--average', work, work, '--out', out)
        self.assertEqual(ran.returncode, 0, ran.stderr)
        self.assertEqual(json.loads(ran.stdout.splitlines()[-1])['trained']['averaged'], 2)
        self.assertEqual((out / 'onnx/model_q4.onnx').read_bytes(), graph)

    def test_trainings_of_different_shapes_have_no_mean(self):
        small, large = model.Llama(model.TINY), model.Shape()
        checkpoints = [{'settings': {'shape': shape.dict()}} for shape in (model.TINY, large)]
        with self.assertRaisesRegex(ValueError, 'one shape'):
            average(small, checkpoints)


class ABadCv(Folder):
    def refused(self, text, names):
        path, out = self.folder / 'cv.json', self.folder / 'model'
        path.write_text(text)
        ran = make('--tiny', '--steps', 1, '--cv', path, '--out', out)
        self.assertNotEqual(ran.returncode, 0)
        lines = ran.stderr.strip().split('\n')
        self.assertEqual(len(lines), 1, ran.stderr)
        self.assertIn(names, lines[0])
        self.assertEqual(ran.stdout, '')
        self.assertEqual([p.name for p in self.folder.iterdir()], ['cv.json'], 'something was written')

    def changed(self, change):
        cv = json.loads(DEMO.read_text())
        change(cv)
        return json.dumps(cv)

    def test_a_missing_field_is_named(self):
        self.refused(self.changed(lambda cv: cv['employment'][1].pop('place')), 'employment[1].place')

    def test_an_unknown_field_is_named(self):
        self.refused(self.changed(lambda cv: cv['contact'].update(fax='1')), 'contact.fax')

    def test_a_wrong_type_is_named(self):
        self.refused(self.changed(lambda cv: cv['projects'][2].update(year='2017')), 'projects[2].year')

    def test_a_file_that_is_not_json_is_refused(self):
        self.refused('{"name": ', 'not JSON')

    def test_every_field_of_the_schema_is_checked_for_absence_and_type(self):
        cv = json.loads(DEMO.read_text())

        def places(value, path=()):
            for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
                if isinstance(value, dict):
                    yield (*path, key)
                if isinstance(inner, (dict, list)):
                    yield from places(inner, (*path, key))

        def holder(root, path):
            for key in path[:-1]:
                root = root[key]
            return root

        checked = 0
        for path in places(cv):
            for how in ('missing', 'wrong'):
                broken = copy.deepcopy(cv)
                if how == 'missing':
                    del holder(broken, path)[path[-1]]
                else:
                    holder(broken, path)[path[-1]] = True
                file = self.folder / 'cv.json'
                file.write_text(json.dumps(broken))
                with self.assertRaises(facts.CvError, msg=f'{how} {path}') as raised:
                    facts.load_cv(file)
                self.assertIn(str(path[-1]), str(raised.exception))
                self.assertNotIn('\n', str(raised.exception))
                checked += 1
        self.assertGreater(checked, 300)


class FactsAndDialogues(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cv = facts.load_cv(DEMO)
        cls.world = World(cls.cv, 1)

    def test_the_demo_cv_has_sixty_facts_and_each_answer_holds_its_own_key_values(self):
        self.assertGreaterEqual(len({fact.answer for fact in self.world.facts}), 60)
        for fact in self.world.facts:
            for key in fact.keys:
                self.assertIn(key.lower(), fact.answer.lower(), fact.id)

    def test_a_fifth_of_the_wordings_of_each_kind_is_held_out_and_in_no_kind_trained_on(self):
        held = {w for words in self.world.test.values() for w in words}
        for kind, words in self.world.train.items():
            self.assertFalse(held & set(words), kind)
            share = len(self.world.test[kind]) / (len(self.world.test[kind]) + len(words))
            self.assertGreater(share, 0.1, kind)

    def test_the_same_seed_gives_the_same_dialogues_and_the_same_split(self):
        again = World(self.cv, 1)
        self.assertEqual(again.test, self.world.test)
        one, two = random.Random(5), random.Random(5)
        self.assertEqual([again.dialogue(one) for _ in range(50)], [self.world.dialogue(two) for _ in range(50)])
        self.assertNotEqual(World(self.cv, 2).test, self.world.test)

    def test_a_smaller_cv_of_another_person_works_too(self):
        cv = copy.deepcopy(self.cv)
        cv.update(name='Otto Brandl', firstName='Otto', summary='A gardener.', links=[], projects=[], certificates=[], talks=[])
        cv.update(publications=[], awards=[], volunteering=[], employment=cv['employment'][:1], education=cv['education'][1:])
        world = World(cv, 1)
        rng = random.Random(0)
        said = ' '.join(answer for _ in range(300) for _, answer in world.dialogue(rng))
        for name, expected in (('Otto', True), ('Mira ', False), ('Tidewater', False)):
            self.assertEqual(name in said, expected, name)
        self.assertEqual(len(world.test_questions(40, 1)), 40)

    def test_an_invented_name_date_or_number_in_an_answer_is_found(self):
        known = evaluate.known_texts(self.world)
        for fact in self.world.facts:
            self.assertEqual(evaluate.inventions(fact.answer, known), [], fact.id)
        for text in (
            'Mira worked at Google.',
            'Mira worked at Pennant Energy in Berlin.',
            'Mira worked at Pennant Maps since March 2019.',
            'Mira has 77 years of experience.',
            'Mira lives in Paris.',
        ):
            self.assertNotEqual(evaluate.inventions(text, known), [], text)

    def test_the_chat_template_renders_what_the_training_saw(self):
        tokenizer = train_tokenizer(self.world, 512, 200, 1)
        chat = Chat(tokenizer)
        template = jinja2.Environment().from_string(CHAT_TEMPLATE)
        rng = random.Random(3)
        for _ in range(30):
            turns = self.world.dialogue(rng)
            messages = [{'role': 'system', 'content': 'Be brief.'}]
            for question, answer in turns:
                messages += [{'role': 'user', 'content': question}, {'role': 'assistant', 'content': answer}]
            asked = messages[:-1]
            rendered = template.render(messages=asked, add_generation_prompt=True)
            ids = tokenizer.encode(rendered, add_special_tokens=False).ids
            self.assertEqual(ids, chat.prompt(asked))
            trained, _ = chat.training(turns)
            self.assertEqual(trained[: len(ids)], ids)


class Interrupted(Folder):
    def test_training_that_was_cut_off_ends_with_the_same_weights(self):
        world = World(facts.load_cv(DEMO), 1)
        chat = Chat(train_tokenizer(world, 512, 200, 1))

        def fresh():
            torch.manual_seed(7)
            return model.Llama(model.TINY)

        whole, cut = fresh(), fresh()
        for name in ('whole', 'cut'):
            (self.folder / name).mkdir()
        options = {'steps': 50, 'seed': 7, 'tokens': 256, 'every': 25}
        train(whole, world, chat, self.folder / 'whole', say=lambda text: None, **options)

        def stop(text):
            if text.startswith('step 25/'):
                raise KeyboardInterrupt

        with self.assertRaises(KeyboardInterrupt):
            train(cut, world, chat, self.folder / 'cut', say=stop, **options)
        cut = fresh()
        train(cut, world, chat, self.folder / 'cut', say=lambda text: None, **options)
        for (name, a), b in zip(whole.state_dict().items(), cut.state_dict().values()):
            self.assertTrue(torch.equal(a, b), name)


if __name__ == '__main__':
    unittest.main(verbosity=2)
