// How the Service Dashboard looks: light and dark, on a phone and on a wall.

export const STYLE = `
:root { color-scheme: light dark; --ink: #1b1f24; --soft: #5b6570; --paper: #fff; --line: #d9dee4; --panel: #f5f7f9;
  --ready: #1a7f4b; --degraded: #9a6200; --unhealthy: #c0262d; --unknown: #c4cbd3 }
@media (prefers-color-scheme: dark) { :root { --ink: #e7ebf0; --soft: #9aa6b2; --paper: #12161b; --line: #2c343d;
  --panel: #1a2027; --ready: #46b67c; --degraded: #e0a33c; --unhealthy: #f2777c; --unknown: #3a434d } }
* { box-sizing: border-box }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, sans-serif }
main { max-width: 60rem; margin: 0 auto; padding: 1.5rem 1rem }
h1 { font-size: 1.4rem; margin: 0 0 1rem }
h2 { font-size: 1.1rem; margin: 2rem 0 .5rem }
h3 { font-size: 1rem; margin: 0 0 .25rem }
a { color: inherit }
.headline { font-size: 1.25rem; font-weight: 600; padding: 1rem; border-radius: .5rem; border: 1px solid;
  background: var(--panel) }
.headline.Ready { color: var(--ready) }
.headline.Degraded { color: var(--degraded) }
.headline.Unhealthy { color: var(--unhealthy) }
.notice { border-left: .3rem solid var(--unhealthy); background: var(--panel); padding: .5rem 1rem; margin: 1rem 0 }
article { border: 1px solid var(--line); border-radius: .5rem; padding: .75rem 1rem; margin: .5rem 0 }
article p { margin: 0 0 .25rem; color: var(--soft) }
article ul { margin: 0; padding-left: 1.2rem }
table { width: 100%; border-collapse: collapse }
caption { text-align: left; color: var(--soft) }
th, td { text-align: left; padding: .5rem .75rem .5rem 0; border-bottom: 1px solid var(--line); vertical-align: middle }
.dot { display: inline-block; width: .7em; height: .7em; border-radius: 50%; margin-right: .4em }
.days { display: flex; gap: 1px }
.days i { width: 4px; height: 1.4rem; flex: none }
.dot.Ready, i.Ready { background: var(--ready) }
.dot.Degraded, i.Degraded { background: var(--degraded) }
.dot.Unhealthy, i.Unhealthy { background: var(--unhealthy) }
i.unknown { background: var(--unknown) }
footer { color: var(--soft); margin-top: 2rem }
@media (max-width: 45rem) { .days i:nth-child(-n+60) { display: none } th, td { padding-right: .4rem } }
`
