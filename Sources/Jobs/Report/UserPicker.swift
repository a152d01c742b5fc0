internal import Foundation
internal import Pages

/// Affinities of a user who is picked from a list: the one part of a report that needs the page's program.
struct UserPicker {
  let users: [ReportData.User]

  var section: Page.Section {
    let options = users.enumerated().map { number, user in
      "<option value=\"\(number)\">\(user.id)</option>" as Markup
    }
    return Page.Section(
      id: "listeners", "Affinities of a user",
      introduction: "The expected shares of the user's next fully played songs.",
      """
      <noscript><p class="note">This part needs scripts to be allowed.</p></noscript>
      <div class="picker" id="picker" hidden><label for="user">User</label><select id="user">\(options.joined())</select>
      <div class="dimensions" id="affinities" role="status" aria-live="polite"></div></div>
      """)
  }

  var script: Page.Script {
    get throws {
      let json = String(decoding: try JSONEncoder.steady().encode(users), as: UTF8.self)
      return Page.Script(data: json, code: Self.code)
    }
  }

  /// Builds the tables of ``BarTable`` for the user who is picked. All text is set as text.
  private static let code: StaticString = """
    (() => {
      const users = JSON.parse(document.getElementById('data').textContent);
      const select = document.getElementById('user');
      const place = document.getElementById('affinities');
      const svg = 'http://www.w3.org/2000/svg';
      const make = (name, attributes, ...children) => {
        const element = document.createElement(name);
        for (const key in attributes) element.setAttribute(key, attributes[key]);
        element.append(...children);
        return element;
      };
      const rect = (name, width) => {
        const element = document.createElementNS(svg, 'rect');
        if (name) element.setAttribute('class', name);
        element.setAttribute('width', width);
        element.setAttribute('height', 8);
        return element;
      };
      const bar = share => {
        const element = document.createElementNS(svg, 'svg');
        element.setAttribute('class', 'bar');
        element.setAttribute('aria-hidden', 'true');
        element.setAttribute('viewBox', '0 0 100 8');
        element.setAttribute('preserveAspectRatio', 'none');
        element.append(rect('rest', 100), rect('', share * 100));
        return element;
      };
      const percent = share => (share * 100).toFixed(1) + ' %';
      const title = word => word.charAt(0).toUpperCase() + word.slice(1);
      const table = (shares, confidence) => {
        const values = shares.values.toSorted((a, b) => b.share - a.share || (a.name < b.name ? -1 : 1)).slice(0, 10);
        const most = Math.max(...values.map(value => value.share));
        const rows = values.map(value => make('tr', {},
          make('th', { scope: 'row' }, value.name),
          make('td', { class: 'tone-main' }, make('div', {}, bar(most > 0 ? value.share / most : 0),
            make('span', { class: 'number' }, percent(value.share))))));
        const sure = confidence === undefined ? '' : ', confidence ' + percent(confidence);
        return make('table', { class: 'bars' },
          make('caption', {}, 'By ' + shares.dimension + sure),
          make('thead', {}, make('tr', {}, make('th', { scope: 'col' }, title(shares.dimension)),
            make('th', { scope: 'col', class: 'number' }, 'Share'))),
          make('tbody', {}, ...rows));
      };
      const show = () => {
        const user = users[select.value];
        place.replaceChildren(...user.affinities.map(shares => table(shares, user.confidence[shares.dimension])));
      };
      select.addEventListener('change', show);
      show();
      document.getElementById('picker').hidden = false;
    })();
    """
}
