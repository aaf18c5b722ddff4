"""Writes the ONNX graphs node by node, as the Hub's exports for ONNX Runtime have them, and the files around them."""

import json

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from model import BLOCK, quantise

MICROSOFT = 'com.microsoft'


class _Graph:
    """Collects nodes and initializers; each method returns the name of its output."""

    def __init__(self, half, four_bit):
        self.nodes, self.initializers = [], []
        self.type = TensorProto.FLOAT16 if half else TensorProto.FLOAT
        self.numpy = np.float16 if half else np.float32
        self.four_bit = four_bit

    def constant(self, name, array):
        self.initializers.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def real(self, name, array):
        return self.constant(name, array.detach().numpy().astype(self.numpy))

    def node(self, op, inputs, output, domain='', **attributes):
        outputs = output if isinstance(output, list) else [output]
        self.nodes.append(helper.make_node(op, inputs, outputs, name=f'/{outputs[0]}/{op}', domain=domain, **attributes))
        return outputs[0]

    def linear(self, x, weight, name):
        """x · weightᵀ."""
        if not self.four_bit:
            self.constant(f'{name}.weight', weight.detach().numpy().T.astype(self.numpy))
            return self.node('MatMul', [x, f'{name}.weight'], f'{name}.out')
        codes, scales = quantise(weight.detach())
        codes = codes.numpy().astype(np.uint8)
        self.constant(f'{name}.q4', codes[..., 0::2] | (codes[..., 1::2] << 4))  # two codes a byte, the first one low
        self.constant(f'{name}.scales', scales.numpy().astype(self.numpy).reshape(-1))
        rows, columns = weight.shape
        size = {'K': columns, 'N': rows, 'bits': 4, 'block_size': BLOCK}
        return self.node('MatMulNBits', [x, f'{name}.q4', f'{name}.scales'], f'{name}.out', MICROSOFT, **size)


def build(model, half, four_bit):
    """The graph of a trained `model`: `half` computes and caches in fp16, `four_bit` stores the matrices in 4 bits.

    Inputs: input_ids, attention_mask int64 [batch, n] and [batch, past + n]; past_key_values.N.key/value
    [batch, kv_heads, past, head_dim]. Outputs: logits float32 [batch, n, vocab]; present.N.key/value.
    """
    s, g = model.shape, _Graph(half, four_bit)
    cache = ['batch_size', s.kv_heads, 'past_sequence_length', s.head_dim]
    grown = ['batch_size', s.kv_heads, 'total_sequence_length', s.head_dim]
    inputs = [
        helper.make_tensor_value_info('input_ids', TensorProto.INT64, ['batch_size', 'sequence_length']),
        helper.make_tensor_value_info('attention_mask', TensorProto.INT64, ['batch_size', 'total_sequence_length']),
    ]
    logits = ['batch_size', 'sequence_length', s.vocab]
    outputs = [helper.make_tensor_value_info('logits', TensorProto.FLOAT, logits)]

    g.constant('one', np.array([1], np.int64))
    g.constant('second', np.array(1, np.int64))
    g.node('ReduceSum', ['attention_mask', 'one'], 'mask.sum', keepdims=0)
    g.node('Sub', ['mask.sum', 'one'], 'mask.last')
    g.node('Cast', ['mask.last'], 'seqlens_k', to=TensorProto.INT32)
    g.node('Shape', ['attention_mask'], 'mask.shape')
    g.node('Gather', ['mask.shape', 'second'], 'mask.total', axis=0)
    g.node('Cast', ['mask.total'], 'total_sequence_length', to=TensorProto.INT32)
    g.real('cos_cache', model.cos)
    g.real('sin_cache', model.sin)
    g.real('model.embed_tokens.weight', model.embed)
    residual = g.node('Gather', ['model.embed_tokens.weight', 'input_ids'], 'model.embed_tokens.out')

    def norm(name, weight, added=None):
        """The normalised sum of the residual and `added`; the residual becomes that sum."""
        nonlocal residual
        g.real(f'{name}.weight', weight)
        if added is None:
            return g.node('SimplifiedLayerNormalization', [residual, f'{name}.weight'], f'{name}.out', axis=-1, epsilon=s.eps, stash_type=1)
        result = [f'{name}.out', '', '', f'{name}.sum']
        g.node('SkipSimplifiedLayerNormalization', [residual, added, f'{name}.weight'], result, MICROSOFT, epsilon=s.eps)
        residual = f'{name}.sum'
        return f'{name}.out'

    added = None
    for i, p in enumerate(model.layers):
        name = f'model.layers.{i}'
        y = norm(f'{name}.input_layernorm', p['norm1'], added)
        q, k, v = (g.linear(y, p[x], f'{name}.self_attn.{x}_proj') for x in 'qkv')
        past = [f'past_key_values.{i}.key', f'past_key_values.{i}.value']
        present = [f'present.{i}.key', f'present.{i}.value']
        inputs += [helper.make_tensor_value_info(x, g.type, cache) for x in past]
        outputs += [helper.make_tensor_value_info(x, g.type, grown) for x in present]
        mixed = g.node(
            'GroupQueryAttention',
            [q, k, v, *past, 'seqlens_k', 'total_sequence_length', 'cos_cache', 'sin_cache'],
            [f'{name}.self_attn.out', *present],
            MICROSOFT,
            num_heads=s.heads,
            kv_num_heads=s.kv_heads,
            scale=s.head_dim**-0.5,
            do_rotary=1,
            rotary_interleaved=0,
        )
        mixed = g.linear(mixed, p['o'], f'{name}.self_attn.o_proj')
        y = norm(f'{name}.post_attention_layernorm', p['norm2'], mixed)
        gate = g.linear(y, p['gate'], f'{name}.mlp.gate_proj')
        up = g.linear(y, p['up'], f'{name}.mlp.up_proj')
        g.node('Sigmoid', [gate], f'{name}.mlp.sigmoid')
        g.node('Mul', [gate, f'{name}.mlp.sigmoid'], f'{name}.mlp.silu')
        g.node('Mul', [f'{name}.mlp.silu', up], f'{name}.mlp.product')
        added = g.linear(f'{name}.mlp.product', p['down'], f'{name}.mlp.down_proj')
    y = norm('model.norm', model.norm, added)
    head = g.linear(y, model.embed, 'lm_head')
    if half:
        g.node('Cast', [head], 'logits', to=TensorProto.FLOAT)
    else:
        g.nodes[-1].output[0] = 'logits'
    graph = helper.make_graph(g.nodes, 'cv-mini', inputs, outputs, g.initializers)
    opsets = [helper.make_opsetid('', 14), helper.make_opsetid(MICROSOFT, 1)]
    # IR 8 is old enough for every runtime in use; newer onnx packages would write a newer one.
    return helper.make_model(graph, opset_imports=opsets, ir_version=8, producer_name='cv-model')


def _embed_all(proto, path):
    path.write_bytes(proto.SerializeToString())


def _external(proto, path):
    """Weights of 1 KiB and more go to PATH_data beside it, as large models come."""
    data = path.with_name(path.name + '_data')
    data.unlink(missing_ok=True)
    onnx.save(
        proto,
        str(path),
        save_as_external_data=True,
        all_tensors_to_one_file=True,
        location=data.name,
        size_threshold=1024,
        convert_attribute=False,
    )


VARIANTS = {'fp32': (False, False), 'q4': (False, True), 'q4f16': (True, True), 'fp16': (True, False)}


def export(model, folder, chat, only=('q4', 'q4f16', 'fp16')):
    """Writes the graphs of `only` to folder/onnx/ and the configuration to folder/."""
    (folder / 'onnx').mkdir(parents=True, exist_ok=True)
    for name in only:
        proto = build(model, *VARIANTS[name])
        suffix = '' if name == 'fp32' else '_' + name
        write = _external if name == 'fp16' else _embed_all
        write(proto, folder / 'onnx' / f'model{suffix}.onnx')
    s = model.shape
    config = {
        'architectures': ['LlamaForCausalLM'],
        'model_type': 'llama',
        'vocab_size': s.vocab,
        'hidden_size': s.hidden,
        'intermediate_size': s.inner,
        'num_hidden_layers': s.layers,
        'num_attention_heads': s.heads,
        'num_key_value_heads': s.kv_heads,
        'head_dim': s.head_dim,
        'hidden_act': 'silu',
        'max_position_embeddings': s.context,
        'rms_norm_eps': s.eps,
        'rope_theta': s.theta,
        'rope_scaling': None,
        'attention_bias': False,
        'mlp_bias': False,
        'attention_dropout': 0.0,
        'tie_word_embeddings': True,
        'bos_token_id': chat.start,
        'eos_token_id': chat.end,
        'pad_token_id': chat.pad,
        'torch_dtype': 'float32',
        'use_cache': True,
        'transformers.js_config': {
            'dtype': 'q4',
            'kv_cache_dtype': {'q4f16': 'float16', 'fp16': 'float16'},
            'use_external_data_format': {'model_fp16.onnx': 1},
        },
    }
    generation = {
        'bos_token_id': chat.start,
        'eos_token_id': chat.end,
        'pad_token_id': chat.pad,
        'do_sample': False,
        'max_new_tokens': 128,
    }
    (folder / 'config.json').write_text(json.dumps(config, indent=2) + '\n')
    (folder / 'generation_config.json').write_text(json.dumps(generation, indent=2) + '\n')
