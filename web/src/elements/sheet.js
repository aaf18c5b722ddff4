/** Looks shared by the three elements. Colours follow the page's `color-scheme`; each can be set by a custom property. */
export const SHARED = `
:host{
--a:var(--candor-accent,light-dark(#1f5fbf,#82b4ff));
--at:var(--candor-accent-text,light-dark(#fff,#0b1a33));
--b:var(--candor-background,light-dark(#fff,#1c2027));
--t:var(--candor-text,light-dark(#1b1f26,#e8ebf0));
--m:var(--candor-muted,light-dark(#58606c,#a4adba));
--l:var(--candor-border,light-dark(#d5dae1,#3a414c));
--k:var(--candor-track,light-dark(#e6eaf0,#323945));
--d:var(--candor-danger,light-dark(#b3261e,#ff9d94));
--r:var(--candor-radius,12px);
font:var(--candor-font,400 .9375rem/1.45 system-ui,sans-serif);color:var(--t)}
:host([hidden]),[hidden]{display:none!important}
*{box-sizing:border-box}
p,h2,dl,dd,ul,ol{margin:0;padding:0}
ul,ol{list-style:none}
h2{font:inherit;font-size:1.125em;font-weight:650;line-height:1.3;overflow-wrap:anywhere;text-wrap:balance;
display:-webkit-box;-webkit-box-orient:vertical;-webkit-line-clamp:4;overflow:hidden}
.live{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
.num,dd{font-variant-numeric:tabular-nums}
.muted{color:var(--m)}
button{font:inherit;font-weight:550;color:inherit;min-height:2.5em;padding:.4em .85em;border:1px solid var(--l);
border-radius:calc(var(--r)*.6);background:transparent;cursor:pointer;overflow-wrap:anywhere}
button:hover{background:color-mix(in srgb,var(--t) 7%,transparent)}
button:focus-visible,summary:focus-visible,[tabindex="0"]:focus-visible{outline:2px solid var(--a);outline-offset:2px}
button[part~=primary]{background:var(--a);border-color:var(--a);color:var(--at)}
button[part~=primary]:hover{background:color-mix(in srgb,var(--a) 88%,var(--t))}
[part=bar]{height:var(--candor-bar-height,10px);border-radius:99px;background:var(--k);overflow:hidden}
[part=fill]{height:100%;min-width:0;border-radius:inherit;background:var(--a);overflow:hidden}
[part=cached]{height:100%;background:color-mix(in srgb,var(--a) 55%,var(--k))}
[data-status=paused] [part=fill],[data-status=queued] [part=fill]{background:var(--m)}
[data-status=failed] [part=fill]{background:var(--d)}
[role=progressbar]:not([aria-valuenow]) [part=fill]{background:repeating-linear-gradient(115deg,var(--a) 0 14px,
color-mix(in srgb,var(--a) 45%,var(--k)) 14px 28px) 0 0/31px 100%}
[role=progressbar]:not([aria-valuenow]) [part=cached]{display:none}
@media (prefers-reduced-motion:no-preference){
[role=progressbar]:not([aria-valuenow]):not([data-status=paused]) [part=fill]{animation:candor-slide 1.2s linear infinite}
@keyframes candor-slide{to{background-position:31px 0}}}
@media (forced-colors:active){
[part=bar]{border:1px solid CanvasText;background:Canvas}
[part=fill]{forced-color-adjust:none;background:Highlight!important}
[part=cached]{background:GrayText}
button[part~=primary]{border:2px solid Highlight}}
`;

/** A native dialog, not modal: the page stays usable beside it. */
export const DIALOG = `
:host{display:contents}
dialog{position:fixed;inset:auto;inset-inline-end:max(16px,env(safe-area-inset-right));bottom:max(16px,env(safe-area-inset-bottom));outline:none;
z-index:var(--candor-z-index,1000);
margin:0;padding:0;width:min(var(--candor-width,27rem),calc(100vw - 32px));max-width:none;max-height:calc(100dvh - 32px);overflow:auto;
overscroll-behavior:contain;border:1px solid var(--l);border-radius:var(--r);background:var(--b);color:var(--t);
box-shadow:0 1px 2px #0002,0 12px 40px #0003}
dialog:not([open]){display:none}
[part=body]{display:grid;grid-template-columns:minmax(0,1fr);gap:.8rem;padding:0 1.15rem}
[part=header]{background:var(--b);display:flex;gap:.75rem;align-items:start;
justify-content:space-between;padding:1rem .7rem .7rem 1.15rem}
[part=header] h2{padding-top:.2em}
[part~=minimize],[part~=dismiss]{flex:none;display:grid;place-items:center;width:2.5em;padding:0;border-color:transparent}
[part~=minimize] svg,[part~=dismiss] svg{width:1.1em;height:1.1em;fill:none;stroke:currentColor;stroke-width:2;stroke-linecap:round}
[part=actions]{display:flex;flex-wrap:wrap;gap:.5rem;padding:.3rem 0 1.15rem;background:var(--b)}
@media (min-height:30rem){[part=actions]{position:sticky;bottom:0}}
[part=notices]{display:grid;gap:.4rem}
[part=notices]:empty{display:none}
[part=notices] li,[part=message],[part=detail]{overflow-wrap:anywhere}
@media (max-width:480px){
dialog{inset:auto 0 0;width:auto;max-height:min(85dvh,calc(100dvh - 3rem));border-width:1px 0 0;border-radius:var(--r) var(--r) 0 0;
padding-bottom:env(safe-area-inset-bottom)}
[part=actions] button{flex:1 1 auto}}
@media print{dialog{display:none}}
`;
