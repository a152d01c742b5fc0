/// The frame of every page.
let pageTemplate = """
  <!doctype html>
  <html lang="en">
  <head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <meta name="color-scheme" content="light dark">
  <meta name="referrer" content="no-referrer">
  <meta name="robots" content="noindex">
  <meta http-equiv="Content-Security-Policy" content="{{{policy}}}">
  <link rel="icon" href="data:,">
  <title>{{title}}</title>
  <style>
  {{{style}}}
  </style>
  </head>
  <body>
  <a class="skip" href="#main">Skip to the figures</a>
  <header>
  <div class="top">
  <p class="brand">Mixdown</p>
  <fieldset class="theme"><legend>Colours</legend>
  <label><input type="radio" name="theme" id="theme-system" checked><span>System</span></label>
  <label><input type="radio" name="theme" id="theme-light"><span>Light</span></label>
  <label><input type="radio" name="theme" id="theme-dark"><span>Dark</span></label>
  </fieldset>
  </div>
  <p class="kicker">{{kicker}}</p>
  <h1>{{heading}}{{#badge}} <span class="badge tone-{{tone}}"><span aria-hidden="true">{{sign}}</span> {{text}}</span>\
  {{/badge}}</h1>
  {{#lead}}<p class="lead">{{.}}</p>{{/lead}}
  {{#hasFacts}}<dl class="facts">{{#facts}}<div><dt>{{name}}</dt><dd>{{value}}</dd></div>{{/facts}}</dl>{{/hasFacts}}
  </header>
  {{#hasSections}}<nav aria-label="Sections"><ul>\
  {{#sections}}<li><a href="#{{id}}">{{heading}}</a></li>{{/sections}}</ul></nav>{{/hasSections}}
  <main id="main" tabindex="-1">
  {{#hasNotices}}<section class="notices" aria-label="To be looked at"><ul>\
  {{#notices}}<li class="tone-{{tone}}">{{{text}}}</li>{{/notices}}</ul></section>{{/hasNotices}}
  {{#hasFigures}}<dl class="figures">{{#figures}}<div><dt>{{label}}</dt><dd>{{value}} <small>{{note}}</small></dd></div>\
  {{/figures}}</dl>{{/hasFigures}}
  {{#sections}}
  <section id="{{id}}" aria-labelledby="{{id}}-heading">
  <h2 id="{{id}}-heading">{{heading}}</h2>
  {{#hasIntroduction}}<p class="introduction">{{introduction}}</p>{{/hasIntroduction}}
  {{{body}}}
  </section>
  {{/sections}}
  </main>
  {{#footer}}<footer><p>{{.}}</p></footer>{{/footer}}
  {{#script}}<script type="application/json" id="data">{{{data}}}</script>
  <script>{{{code}}}</script>{{/script}}
  </body>
  </html>
  """
