"""The network: a Llama (RMSNorm, rotary positions, grouped-query attention, SwiGLU, tied embedding)."""

import math
from dataclasses import asdict, dataclass

import torch
import torch.nn.functional as F
from torch import nn

DROPOUT = 0.1  # in training; the wordings are few enough to be learnt by heart
BLOCK = 32  # weights of a row that share one 4-bit scale, as in MatMulNBits


@dataclass
class Shape:
    vocab: int = 2048
    hidden: int = 192
    layers: int = 6
    heads: int = 6
    kv_heads: int = 2
    inner: int = 512
    context: int = 512
    theta: float = 10000.0
    eps: float = 1e-5

    @property
    def head_dim(self):
        return self.hidden // self.heads

    def dict(self):
        return asdict(self)


TINY = Shape(vocab=512, hidden=64, layers=2, heads=2, kv_heads=1, inner=96, context=512)


def quantise(weight):
    """[rows, K] → (codes 0..15 [rows, K/32, 32], scales [rows, K/32], representable in fp16): weight ≈ (code - 8) · scale.

    Symmetric with the largest value of a block on -8 (the sign of the scale makes it so), as MatMulNBits reads
    weights without zero points.
    """
    blocks = weight.reshape(weight.shape[0], -1, BLOCK)
    index = blocks.abs().argmax(dim=-1, keepdim=True)
    scale = blocks.gather(-1, index) / -8
    scale = torch.where(scale.abs() < 1e-6, torch.full_like(scale, 1e-6), scale).half().float()
    codes = torch.clamp(torch.round(blocks / scale) + 8, 0, 15)
    return codes, scale.squeeze(-1)


def on_grid(weight):
    """The nearest weights that 4 bits can say."""
    codes, scale = quantise(weight)
    return ((codes - 8) * scale.unsqueeze(-1)).reshape(weight.shape)


def rotary(context, dim, theta):
    """(cos, sin), each [context, dim/2]."""
    inverse = theta ** (-torch.arange(0, dim, 2, dtype=torch.float64) / dim)
    angles = torch.arange(context, dtype=torch.float64)[:, None] * inverse[None]
    return angles.cos().float(), angles.sin().float()


class Llama(nn.Module):
    def __init__(self, shape, dropout=0.0):
        super().__init__()
        self.shape, self.dropout = shape, dropout
        h, kv = shape.hidden, shape.kv_heads * shape.head_dim

        def weight(rows, columns, scale=1.0):
            return nn.Parameter(torch.randn(rows, columns) * 0.02 * scale)

        deep = 1 / math.sqrt(2 * shape.layers)
        self.embed = weight(shape.vocab, h)
        self.layers = nn.ModuleList()
        for _ in range(shape.layers):
            layer = nn.ParameterDict(
                {
                    'norm1': nn.Parameter(torch.ones(h)),
                    'q': weight(h, h),
                    'k': weight(kv, h),
                    'v': weight(kv, h),
                    'o': weight(h, h, deep),
                    'norm2': nn.Parameter(torch.ones(h)),
                    'gate': weight(shape.inner, h),
                    'up': weight(shape.inner, h),
                    'down': weight(h, shape.inner, deep),
                }
            )
            self.layers.append(layer)
        self.norm = nn.Parameter(torch.ones(h))
        cos, sin = rotary(shape.context, shape.head_dim, shape.theta)
        self.register_buffer('cos', cos, persistent=False)
        self.register_buffer('sin', sin, persistent=False)
        self.fake = False  # train through the 4-bit grid (gradients pass straight through it)

    def matrices(self):
        """The 2-D weights, which are the ones that get quantised."""
        return [p for p in self.parameters() if p.dim() == 2]

    def _w(self, weight):
        if not self.fake:
            return weight
        return weight + (on_grid(weight.detach()) - weight.detach())

    def _rms(self, x, weight):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.shape.eps) * weight

    @staticmethod
    def _turn(x, cos, sin):
        a, b = x.chunk(2, dim=-1)
        return torch.cat((a * cos - b * sin, b * cos + a * sin), dim=-1)

    def forward(self, ids, past=None, positions=None):
        """ids [batch, n] → (hidden [batch, n, hidden], [(key, value)] of each layer with [batch, kv_heads, past + n, head_dim]).

        `positions` are the rows and columns wanted (a boolean [batch, n]): then hidden is [wanted, hidden].
        """
        s = self.shape
        batch, n = ids.shape
        before = past[0][0].shape[2] if past else 0
        cos, sin = self.cos[before : before + n], self.sin[before : before + n]
        mask = torch.full((n, before + n), float('-inf'), device=ids.device).triu(before + 1)
        embed = self._w(self.embed)
        x = F.embedding(ids, embed)
        drop = (lambda t: F.dropout(t, self.dropout, True)) if self.training and self.dropout else (lambda t: t)
        x, present = drop(x), []
        for i, p in enumerate(self.layers):
            y = self._rms(x, p['norm1'])
            q = F.linear(y, self._w(p['q'])).view(batch, n, s.heads, s.head_dim).transpose(1, 2)
            k = F.linear(y, self._w(p['k'])).view(batch, n, s.kv_heads, s.head_dim).transpose(1, 2)
            v = F.linear(y, self._w(p['v'])).view(batch, n, s.kv_heads, s.head_dim).transpose(1, 2)
            q, k = self._turn(q, cos, sin), self._turn(k, cos, sin)
            if past:
                k, v = torch.cat((past[i][0], k), 2), torch.cat((past[i][1], v), 2)
            present.append((k, v))
            group = s.heads // s.kv_heads
            # The heads of a group are rows of one product, so keys and values need no copies.
            grouped = q.reshape(batch, s.kv_heads, group * n, s.head_dim)
            scores = grouped @ k.transpose(2, 3) / math.sqrt(s.head_dim)
            scores = scores.view(batch, s.kv_heads, group, n, before + n) + mask
            mixed = scores.softmax(-1).view(batch, s.kv_heads, group * n, before + n) @ v
            mixed = mixed.view(batch, s.heads, n, s.head_dim).transpose(1, 2).reshape(batch, n, s.hidden)
            x = x + drop(F.linear(mixed, self._w(p['o'])))
            y = self._rms(x, p['norm2'])
            y = F.silu(F.linear(y, self._w(p['gate']))) * F.linear(y, self._w(p['up']))
            x = x + drop(F.linear(y, self._w(p['down'])))
        if positions is not None:
            x = x[positions]
        return F.linear(self._rms(x, self.norm), embed), present

    @torch.no_grad()
    def greedy(self, prompt, stop, limit, cached=True):
        """The answer's tokens, `stop` included, at most `limit`."""
        out, past = [], None
        ids = torch.tensor([prompt])
        while len(out) < limit and len(prompt) + len(out) < self.shape.context:
            logits, present = self.forward(ids, past)
            token = int(logits[0, -1].argmax())
            out.append(token)
            if token == stop:
                break
            if cached:
                past, ids = present, torch.tensor([[token]])
            else:
                ids = torch.tensor([prompt + out])
        return out

    @torch.no_grad()
    def snap(self):
        """Moves every matrix onto the 4-bit grid; from then on all exports are the same model."""
        for weight in self.matrices():
            weight.copy_(on_grid(weight))
        self.fake = False
