/// The look of every page: system fonts, one accent, and room.
///
/// Colours are chosen for a contrast of 4.5 : 1 at least on their ground in both themes. Browsers that do not know
/// `light-dark()` show the light one.
let stylesheet = """
  :root{color-scheme:light dark;--ground:#fdfdfc;--sheet:#f4f5f4;--ink:#16191d;--soft:#565e68;--line:#dfe2e4;\
  --accent:#0b6b63;--mild:#5d8f8a;--muted:#78818b;--warn:#9a5200;--warn-sheet:#fdf3e3;--bad:#b3261e;--bad-sheet:#fdeceb;\
  --heat-0:#eceeed;--heat-1:#cfe5e1;--heat-2:#a3d0ca;--heat-3:#6fb4ac;--heat-4:#3e958c;--heat-5:#1b766d;--heat-6:#07504a}
  @supports (color:light-dark(#000,#fff)){:root{--ground:light-dark(#fdfdfc,#121517);\
  --sheet:light-dark(#f4f5f4,#1b1f22);--ink:light-dark(#16191d,#e8eaec);--soft:light-dark(#565e68,#a3acb5);\
  --line:light-dark(#dfe2e4,#2d3338);--accent:light-dark(#0b6b63,#58c9bd);--mild:light-dark(#5d8f8a,#3f8f87);\
  --muted:light-dark(#78818b,#7b858f);--warn:light-dark(#9a5200,#f0b25c);--warn-sheet:light-dark(#fdf3e3,#2b2213);\
  --bad:light-dark(#b3261e,#ff9b92);--bad-sheet:light-dark(#fdeceb,#321a18);--heat-0:light-dark(#eceeed,#20262a);\
  --heat-1:light-dark(#cfe5e1,#15403c);--heat-2:light-dark(#a3d0ca,#175a54);--heat-3:light-dark(#6fb4ac,#1f776f);\
  --heat-4:light-dark(#3e958c,#32988e);--heat-5:light-dark(#1b766d,#5abdb2);--heat-6:light-dark(#07504a,#a5e6de)}
  :root:has(#theme-light:checked){color-scheme:light}:root:has(#theme-dark:checked){color-scheme:dark}}
  *{box-sizing:border-box}
  html{-webkit-text-size-adjust:100%;scroll-behavior:smooth}
  @media (prefers-reduced-motion:reduce){html{scroll-behavior:auto}}
  body{margin:0 auto;padding:0 clamp(1rem,4vw,3rem) 4rem;max-width:70rem;background:var(--ground);color:var(--ink);\
  font:400 1rem/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue","Noto Sans",Arial,sans-serif;\
  font-variant-numeric:tabular-nums lining-nums;overflow-wrap:anywhere}
  h1,h2,h3,p,ul,dl,dd,figure,fieldset{margin:0;padding:0}ul{list-style:none}
  a{color:var(--accent);text-underline-offset:.18em;text-decoration-thickness:.06em}
  :focus-visible{outline:2px solid var(--accent);outline-offset:3px;border-radius:3px}main:focus{outline:none}
  code{font:.875em/1.4 ui-monospace,"SF Mono",Menlo,Consolas,"DejaVu Sans Mono",monospace}
  .skip{position:absolute;left:-100vw;top:.5rem;padding:.4rem .8rem;background:var(--ink);color:var(--ground)}
  .skip:focus{left:1rem;z-index:1}
  header{padding-top:1.25rem}
  .top{display:flex;justify-content:space-between;align-items:center;gap:1rem;padding-bottom:1rem;\
  border-bottom:1px solid var(--line);margin-bottom:clamp(2rem,5vw,3.5rem)}
  .brand{font-weight:650;letter-spacing:-.01em}
  .theme{border:0;display:flex;font-size:.8125rem;min-width:0}
  .theme legend,.unseen{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
  .theme label{position:relative}.theme input{position:absolute;inset:0;margin:0;opacity:0;width:100%;height:100%;cursor:pointer}
  .theme span{display:block;padding:.25rem .6rem;border:1px solid var(--line);margin-left:-1px;color:var(--soft)}
  .theme label:nth-of-type(1) span{border-radius:6px 0 0 6px}.theme label:nth-of-type(3) span{border-radius:0 6px 6px 0}
  .theme input:checked+span{color:var(--ink);background:var(--sheet);font-weight:600}
  .theme input:focus-visible+span{outline:2px solid var(--accent);outline-offset:2px}
  .kicker{color:var(--soft);font-size:.875rem;margin-bottom:.35rem}
  h1{font-size:clamp(1.75rem,5vw,2.625rem);line-height:1.15;letter-spacing:-.022em;font-weight:680;display:flex;\
  flex-wrap:wrap;align-items:center;gap:.5rem .9rem}
  .badge{font-size:.875rem;line-height:1.3;letter-spacing:0;font-weight:600;padding:.25rem .7rem;border-radius:99px;\
  border:1px solid currentColor;color:var(--accent)}
  .badge.tone-warn{color:var(--warn);background:var(--warn-sheet)}.badge.tone-bad{color:var(--bad);background:var(--bad-sheet)}
  .badge.tone-muted{color:var(--soft)}
  .lead{font-size:clamp(1.0625rem,2.4vw,1.25rem);line-height:1.5;margin-top:1rem;max-width:46rem;color:var(--soft);text-wrap:pretty}
  .facts{display:flex;flex-wrap:wrap;gap:.9rem 2.25rem;margin-top:1.75rem;font-size:.875rem}
  .facts dt,.figures dt{color:var(--soft);font-size:.8125rem}
  nav{margin-top:2.25rem;border-block:1px solid var(--line);position:sticky;top:0;background:var(--ground);z-index:1}
  nav ul{display:flex;flex-wrap:wrap;gap:0 1.4rem;font-size:.875rem;padding:.35rem 0}
  nav a{display:block;padding:.35rem 0;color:var(--soft);text-decoration:none}
  nav a:hover{color:var(--ink);text-decoration:underline}
  @media (max-width:64rem){nav{position:static}}
  .notices{margin-top:2.25rem}.notices ul{display:grid;gap:.75rem}
  .notices li{padding:.8rem 1.1rem;border-radius:8px;border-left:4px solid var(--warn);background:var(--warn-sheet)}
  .notices li.tone-bad{border-color:var(--bad);background:var(--bad-sheet)}
  .notices li.tone-muted,.notices li.tone-main,.notices li.tone-mild{border-color:var(--muted);background:var(--sheet)}
  .figures{display:flex;flex-wrap:wrap;gap:1.75rem 2.25rem;margin-top:2.5rem}.figures>div{flex:1 0 auto;min-width:7.5rem}
  .figures dd{font-size:clamp(1.5rem,3.2vw,1.75rem);line-height:1.2;letter-spacing:-.02em;font-weight:620;\
  margin-top:.2rem;white-space:nowrap}
  .figures small{display:block;width:0;min-width:100%;white-space:normal;font-size:.8125rem;line-height:1.4;\
  letter-spacing:0;font-weight:400;color:var(--soft);margin-top:.3rem}
  @media (max-width:60rem){.figures{display:grid;grid-template-columns:repeat(3,1fr);gap:1.5rem}.figures>div{min-width:0}}
  @media (max-width:40rem){.figures{grid-template-columns:1fr 1fr}}
  main>section[id]{margin-top:clamp(3.5rem,8vw,5.5rem);scroll-margin-top:4rem}
  h2{font-size:clamp(1.25rem,3vw,1.5rem);line-height:1.25;letter-spacing:-.015em;font-weight:650}
  h3{font-size:1rem;font-weight:620;margin-top:2rem}
  .introduction,.note{color:var(--soft);margin-top:.5rem;max-width:42rem;text-wrap:pretty}.note{font-size:.875rem}
  .pair{display:grid;gap:2.5rem 3.5rem;margin-top:1.75rem}
  @media (min-width:52rem){.pair{grid-template-columns:1fr 1fr}}.pair>*{min-width:0}
  figure{margin-top:1.75rem}.pair>figure,.pair>table,.pair>div>:first-child,.dimensions>table{margin-top:0}
  .dimensions{display:grid;gap:2.5rem 3rem;grid-template-columns:repeat(auto-fit,minmax(min(17rem,100%),1fr));margin-top:1.5rem}
  figcaption,caption{text-align:left;font-size:.875rem;color:var(--soft);padding-bottom:.75rem}
  figcaption strong{color:var(--ink);font-size:1.25rem;letter-spacing:-.01em;font-weight:640}
  svg{display:block;width:100%;overflow:visible}
  .tone-main{--tone:var(--accent)}.tone-mild{--tone:var(--mild)}.tone-muted{--tone:var(--muted)}
  .tone-warn{--tone:var(--warn)}.tone-bad{--tone:var(--bad)}
  .flow-body{display:grid;grid-template-columns:minmax(4rem,1fr) minmax(10.5rem,auto);gap:.75rem}
  .flow-body li{display:flex;align-items:center;gap:.5rem;font-size:.875rem;line-height:1.2}
  .flow-body .number{font-weight:620}.flow-body .share{color:var(--soft);font-size:.8125rem;margin-left:auto;padding-left:.5rem}
  .flow-body .none,.flow-body .none .number{color:var(--soft);font-weight:400}
  .flow .source{fill:var(--ink)}.flow g rect{fill:var(--tone)}.flow g path{fill:var(--tone);opacity:.26}
  .flow g:hover path{opacity:.45}
  table{border-collapse:collapse;width:100%;margin-top:1.75rem;font-size:.9375rem}
  th,td{text-align:left;vertical-align:baseline;padding:.5rem 1rem .5rem 0;border-bottom:1px solid var(--line);font-weight:400}
  th:last-child,td:last-child{padding-right:0}
  thead th,thead td{font-size:.8125rem;color:var(--soft);padding-block:.25rem}
  th.number,td.number{text-align:right;white-space:nowrap}
  .bars thead .number{text-align:left}.bars tbody th{width:38%}
  .bars td div{display:flex;align-items:center;gap:.9rem}
  .bars .number{min-width:4.25rem;text-align:right;white-space:nowrap}
  .bars thead .number{min-width:0}
  .bar{flex:1;height:8px;min-width:2rem}.bar rect{fill:var(--tone,var(--accent))}.bar .rest{fill:var(--heat-0)}
  .dimensions{align-items:start}.dimensions .bars td div{gap:.5rem}.dimensions .bars tbody th{width:34%}
  .dimensions .bars tbody .number{min-width:3.4rem}.dimensions .change{min-width:2.6rem}
  .change{color:var(--soft);font-size:.8125rem;white-space:nowrap;min-width:4.25rem;text-align:right}
  .plane{display:grid;grid-template-columns:auto 1fr;gap:0 .6rem}.plot{min-width:0}
  .scale,.rows{display:flex;flex-direction:column;justify-content:space-between;text-align:right;font-size:.75rem;\
  line-height:1;color:var(--soft)}
  .scale span:first-child{transform:translateY(-.3em)}.scale span:last-child{transform:translateY(.3em)}
  .rows{justify-content:space-around}
  .below{grid-column:2;position:relative;height:1.5rem;font-size:.75rem;color:var(--soft)}
  .below span{position:absolute;top:.4rem;white-space:nowrap;line-height:1}
  .line .below span:nth-child(2){transform:translateX(-50%)}.line .below span:nth-child(3){transform:translateX(-100%)}
  .grid,.ground{fill:none;stroke:var(--line);stroke-width:1px;vector-effect:non-scaling-stroke}.ground{stroke:var(--muted)}
  .column{fill:var(--accent)}.column:hover,.heat rect:hover{fill:var(--warn)}
  .area{fill:var(--accent);opacity:.14}
  .line .line{fill:none;stroke:var(--accent);stroke-width:2px;stroke-linejoin:round;vector-effect:non-scaling-stroke}
  .heat-0{fill:var(--heat-0)}.heat-1{fill:var(--heat-1)}.heat-2{fill:var(--heat-2)}.heat-3{fill:var(--heat-3)}
  .heat-4{fill:var(--heat-4)}.heat-5{fill:var(--heat-5)}.heat-6{fill:var(--heat-6)}
  .legend{display:flex;flex-wrap:wrap;gap:.4rem 1.25rem;align-items:center;font-size:.8125rem;color:var(--soft);margin-top:.75rem}
  p.legend{gap:.5rem}.swatches{width:7rem;height:1rem}
  .legend li{display:flex;align-items:center;gap:.45rem}.legend .number{color:var(--ink)}.swatch{width:.75rem;height:.75rem}
  .shade-0{fill:var(--accent)}.shade-1{fill:var(--heat-3)}.shade-2{fill:var(--muted)}.shade-3{fill:var(--heat-2)}.shade-4{fill:var(--ink)}
  .song,.artist{display:-webkit-box;-webkit-box-orient:vertical;-webkit-line-clamp:2;overflow:hidden}
  .song{font-weight:550}.artist{color:var(--soft);font-size:.875rem}
  .songs .rank{color:var(--soft);width:2rem;padding-right:.5rem}.songs .bar{width:clamp(4rem,16vw,12rem);min-width:0}
  @media (max-width:40rem){.songs .wide{display:none}}
  details{margin-top:1rem;font-size:.9375rem}
  summary{cursor:pointer;color:var(--accent);font-size:.875rem;padding:.2rem 0;width:fit-content}
  details table{margin-top:.75rem}
  .scroll{max-height:24rem;overflow:auto;margin-top:.5rem}.scroll table{margin-top:0}.scroll td,.scroll th{white-space:nowrap}
  .scroll thead th{position:sticky;top:0;background:var(--ground)}
  .reasons{margin-top:1.75rem;border-top:1px solid var(--line)}
  .reasons>li{padding:1.1rem 0;border-bottom:1px solid var(--line)}
  .reasons h3{margin:0;display:flex;gap:.75rem;align-items:baseline}.reasons h3 .number{min-width:3ch;text-align:right;color:var(--warn)}
  .reasons p{margin-top:.2rem}.advice{color:var(--soft)}.reasons details{margin-top:.4rem}.examples{margin-top:.6rem;display:grid;gap:.5rem}
  .examples li{padding:.55rem .8rem;background:var(--sheet);border-radius:6px;font-size:.875rem}
  .examples span{display:block;color:var(--soft)}
  .picker{margin-top:1.5rem}.picker label{display:block;font-size:.875rem;color:var(--soft);margin-bottom:.3rem}
  .picker select{font:inherit;color:inherit;background:var(--ground);border:1px solid var(--muted);border-radius:6px;\
  padding:.45rem .6rem;max-width:100%;min-width:min(22rem,100%)}
  footer{margin-top:5rem;padding-top:1rem;border-top:1px solid var(--line);font-size:.8125rem;color:var(--soft)}
  @media print{.theme,nav,.skip{display:none}body{max-width:none}main>section[id]{break-inside:avoid}}
  """
