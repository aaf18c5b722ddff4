/** The CV page: cv.json in, semantic HTML out, by textContent only. */

/**
 * @typedef {{ start: string, end: string | null }} Period months as YYYY-MM; end null: still going on
 *
 * @typedef {object} Cv the fields of cv.json that the page shows; all but the name may be missing
 * @property {string} name
 * @property {string} [firstName]
 * @property {string} [title]
 * @property {string} [summary]
 * @property {number} [yearsOfExperience]
 * @property {{ city?: string, country?: string }} [location]
 * @property {{ email?: string, phone?: string, website?: string }} [contact]
 * @property {{ label: string, url: string }[]} [links]
 * @property {{ language: string, level: string }[]} [languages]
 * @property {(Period & { employer: string, role: string, place?: string, summary?: string, achievements?: string[],
 *   technologies?: string[] })[]} [employment]
 * @property {(Period & { institution: string, degree: string, field?: string, place?: string, grade?: string,
 *   thesis?: string })[]} [education]
 * @property {{ name: string, year?: number, description?: string, technologies?: string[], url?: string }[]} [projects]
 * @property {{ name: string, category?: string, level?: string, years?: number }[]} [skills]
 * @property {{ name: string, issuer?: string, year?: number }[]} [certificates]
 * @property {{ title: string, event?: string, place?: string, year?: number }[]} [talks]
 * @property {{ title: string, venue?: string, year?: number }[]} [publications]
 * @property {{ title: string, issuer?: string, year?: number }[]} [awards]
 * @property {(Period & { organisation: string, role: string, place?: string, summary?: string })[]} [volunteering]
 * @property {string[]} [hobbies]
 * @property {{ from?: string, noticePeriod?: string, workload?: string }} [availability]
 * @property {{ roles?: string[], workMode?: string, relocation?: string, travel?: string, teamSize?: string,
 *   industries?: string[] }} [preferences]
 * @property {string} [workPermit]
 * @property {string} [references]
 */

const LISTS = [
  'links',
  'languages',
  'employment',
  'education',
  'projects',
  'skills',
  'certificates',
  'talks',
  'publications',
  'awards',
  'volunteering',
  'hobbies',
];

/**
 * @param {string} url
 * @returns {Promise<Cv>} rejects with an Error whose message is a sentence for the visitor
 */
export async function loadCv(url) {
  let cv;
  try {
    const response = await fetch(url);
    if (!response.ok) throw new Error(`The server answered ${response.status}.`);
    cv = await response.json();
  } catch (cause) {
    const why = cause instanceof SyntaxError ? 'Its file is not valid JSON.' : 'It did not arrive.';
    throw new Error(`The CV could not be loaded. ${why} Reloading the page may help.`, { cause });
  }
  if (!cv || typeof cv.name !== 'string' || cv.name === '') {
    throw new Error('The CV could not be shown: its file has no name in it.');
  }
  for (const list of LISTS) {
    if (cv[list] !== undefined && !Array.isArray(cv[list])) {
      throw new Error(`The CV could not be shown: “${list}” in its file is not a list.`);
    }
  }
  return cv;
}

/**
 * @param {string} tag
 * @param {string | null} [className]
 * @param {...(Node | string | null | undefined | false)} children
 */
export function el(tag, className, ...children) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  for (const child of children) if (child) element.append(child);
  return element;
}

/** @param {string} text */
const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);
/** @param {string} text */
const sentence = (text) => capital(text).replace(/([^.!?])$/, '$1.');

/** Links go to the web or to a mail program, nowhere else. @param {string} href @param {string} text */
function link(href, text) {
  const a = document.createElement('a');
  a.textContent = text;
  if (/^(https?:|mailto:|tel:)/i.test(href)) a.href = href;
  a.rel = 'noopener';
  return a;
}

const month = new Intl.DateTimeFormat('en', { month: 'short', year: 'numeric', timeZone: 'UTC' });

/** @param {string} value YYYY-MM */
function monthText(value) {
  const date = new Date(`${value}-01T00:00:00Z`);
  return Number.isNaN(date.getTime()) ? value : month.format(date);
}

/** @param {string} value */
function time(value) {
  const element = document.createElement('time');
  element.dateTime = value;
  element.textContent = monthText(value);
  return element;
}

/** @param {Period} period */
const period = ({ start, end }) =>
  el('p', 'period', time(start), ' – ', end ? time(end) : 'present');

/** @param {string[] | undefined} names @param {string} label */
function tags(names, label) {
  if (!names?.length) return null;
  const list = el('ul', 'tags', ...names.map((name) => el('li', null, name)));
  list.setAttribute('aria-label', label);
  return list;
}

let sections = 0;
/** @param {string} title @param {(Node | null | false | undefined)[]} children @param {string} [className] */
function section(title, children, className = '') {
  if (!children.some(Boolean)) return null;
  const heading = el('h2', null, title);
  heading.id = `section-${++sections}`;
  const element = el('section', className, heading, ...children);
  element.setAttribute('aria-labelledby', heading.id);
  return element;
}

/** @param {string | null | undefined | false} strong @param {...(string | number | null | undefined | false)} rest */
function line(strong, ...rest) {
  const more = rest.filter(Boolean).join(', ');
  return el(
    'li',
    null,
    strong ? el('strong', null, strong) : null,
    more && el('span', 'quiet', more),
  );
}

/** @param {(HTMLElement | null | false | undefined)[]} items @param {string} [className] */
const list = (items, className = 'lines') =>
  items.some(Boolean) ? el('ul', className, ...items) : null;

/** @param {string} term @param {string | undefined} value */
const fact = (term, value) => value && el('div', null, el('dt', null, term), el('dd', null, value));

/**
 * @param {Cv} cv
 * @param {HTMLElement} main emptied and filled
 */
export function renderCv(cv, main) {
  document.title = [cv.name, cv.title].filter(Boolean).join(' · ');
  const { contact = {}, location = {}, links = [], preferences = {}, availability = {} } = cv;
  const place = [location.city, location.country].filter(Boolean).join(', ');
  const website = contact.website?.replace(/^https?:\/\//, '');

  const header = el(
    'header',
    'masthead',
    el('h1', null, cv.name),
    cv.title && el('p', 'role', cv.title),
    cv.summary && el('p', 'summary', cv.summary),
    list(
      [
        place && el('li', null, place),
        contact.email && el('li', null, link(`mailto:${contact.email}`, contact.email)),
        contact.phone &&
          el('li', null, link(`tel:${contact.phone.replace(/[^+\d]/g, '')}`, contact.phone)),
        contact.website && el('li', null, link(contact.website, website ?? '')),
        ...links.map(({ label, url }) => el('li', null, link(url, label))),
      ].map((item) => item || null),
      'contact',
    ),
  );

  const experience = section(
    'Experience',
    (cv.employment ?? []).map((job) =>
      el(
        'article',
        'entry',
        el('h3', null, job.role),
        el('p', 'at', job.employer, job.place && el('span', 'quiet', ` · ${job.place}`)),
        period(job),
        job.summary && el('p', null, sentence(job.summary)),
        list(
          (job.achievements ?? []).map((text) => el('li', null, sentence(text))),
          'points',
        ),
        tags(job.technologies, 'Technologies'),
      ),
    ),
  );

  const projects = section('Projects', [
    el(
      'div',
      'cards',
      ...(cv.projects ?? []).map((project) =>
        el(
          'article',
          'card',
          el(
            'h3',
            null,
            project.url ? link(project.url, project.name) : project.name,
            project.year ? el('span', 'quiet', ` ${project.year}`) : null,
          ),
          project.description && el('p', null, sentence(project.description)),
          tags(project.technologies, 'Technologies'),
        ),
      ),
    ),
  ]);

  const education = section(
    'Education',
    (cv.education ?? []).map((school) =>
      el(
        'article',
        'entry',
        el('h3', null, [school.degree, school.field].filter(Boolean).join(', ')),
        el(
          'p',
          'at',
          school.institution,
          school.place && el('span', 'quiet', ` · ${school.place}`),
        ),
        period(school),
        (school.grade || school.thesis) &&
          el(
            'p',
            null,
            school.grade ? sentence(school.grade) : '',
            school.thesis && el('span', null, ' Thesis: ', el('cite', null, school.thesis)),
          ),
      ),
    ),
  );

  /** @type {Map<string, HTMLElement[]>} */
  const byCategory = new Map();
  for (const skill of cv.skills ?? []) {
    const category = skill.category ?? 'other';
    const years = skill.years ? `${skill.years} years` : '';
    byCategory.set(category, [
      ...(byCategory.get(category) ?? []),
      line(
        /[A-Z]/.test(skill.name) ? skill.name : capital(skill.name),
        [skill.level, years].filter(Boolean).join(', '),
      ),
    ]);
  }
  const skills = section(
    'Skills',
    [...byCategory].map(([category, items]) =>
      el('div', 'group', el('h3', 'small', capital(category)), list(items, 'lines split')),
    ),
  );

  const wide = [
    experience,
    projects,
    education,
    el(
      'div',
      'cards',
      section('Talks', [
        list((cv.talks ?? []).map((talk) => line(talk.title, talk.event, talk.place, talk.year))),
      ]),
      section('Publications', [
        list((cv.publications ?? []).map((text) => line(text.title, text.venue, text.year))),
      ]),
    ),
    section('Volunteering', [
      ...(cv.volunteering ?? []).map((work) =>
        el(
          'article',
          'entry',
          el('h3', null, work.role),
          el('p', 'at', work.organisation, work.place && el('span', 'quiet', ` · ${work.place}`)),
          period(work),
          work.summary && el('p', null, sentence(work.summary)),
        ),
      ),
    ]),
  ];
  const narrow = [
    skills,
    section('Languages', [
      list(
        (cv.languages ?? []).map((item) => line(item.language, item.level)),
        'lines split',
      ),
    ]),
    section('Awards', [
      list((cv.awards ?? []).map((award) => line(award.title, award.issuer, award.year))),
    ]),
    section('Certificates', [
      list((cv.certificates ?? []).map((item) => line(item.name, item.issuer, item.year))),
    ]),
    section('Looking for', [
      el(
        'dl',
        'facts',
        ...[
          fact('Roles', preferences.roles?.join(', ')),
          fact('Fields', preferences.industries?.join(', ')),
          fact('Work', preferences.workMode),
          fact('Team', preferences.teamSize),
          fact('Place', preferences.relocation),
          fact('Travel', preferences.travel),
          fact('From', availability.from && monthText(availability.from)),
          fact('Notice', availability.noticePeriod),
          fact('Workload', availability.workload),
        ].map((row) => row || null),
      ),
      cv.workPermit
        ? el('p', 'quiet', sentence(`${cv.firstName ?? cv.name} ${cv.workPermit}`))
        : null,
    ]),
    section('Besides', [
      cv.hobbies?.length ? el('p', null, sentence(cv.hobbies.join(', '))) : null,
      cv.references ? el('p', 'quiet', sentence(`References: ${cv.references}`)) : null,
    ]),
  ];

  main.replaceChildren(
    header,
    el('div', 'columns', el('div', 'wide', ...wide), el('div', 'narrow', ...narrow)),
  );
}

/**
 * What a general model is told about the person, most telling facts first, within a budget of characters (about four to a
 * token in English), because every token of it is read again before the first answer.
 * @param {Cv} cv
 * @param {number} budget characters
 */
export function systemMessage(cv, budget) {
  const first = cv.firstName ?? cv.name;
  /** @param {Period} p */
  const when = (p) => `${p.start} to ${p.end ?? 'now'}`;
  const facts = [
    `${cv.name}${cv.title ? `, ${cv.title}` : ''}. ${cv.summary ?? ''}`,
    cv.yearsOfExperience && `Years of experience: ${cv.yearsOfExperience}.`,
    cv.location &&
      `Lives in ${[cv.location.city, cv.location.country].filter(Boolean).join(', ')}.`,
    ...(cv.employment ?? []).map(
      (job) =>
        `${job.role} at ${job.employer}${job.place ? ` in ${job.place}` : ''}, ${when(job)}: ${[
          job.summary,
          ...(job.achievements ?? []),
        ]
          .filter(Boolean)
          .join('; ')}. Used ${job.technologies?.join(', ') ?? 'various tools'}.`,
    ),
    ...(cv.education ?? []).map(
      (s) =>
        `${s.degree} in ${s.field ?? 'general studies'}, ${s.institution}, ${when(s)}, ${s.grade ?? ''}.`,
    ),
    cv.skills?.length &&
      `Skills: ${cv.skills.map((s) => `${s.name} (${s.level ?? 'used'})`).join(', ')}.`,
    cv.languages?.length &&
      `Languages: ${cv.languages.map((l) => `${l.language} (${l.level})`).join(', ')}.`,
    cv.contact && `Contact: ${Object.values(cv.contact).join(', ')}.`,
    ...(cv.projects ?? []).map(
      (p) => `Project ${p.name} (${p.year ?? 'undated'}): ${p.description}.`,
    ),
    cv.availability &&
      `Available from ${cv.availability.from}, notice ${cv.availability.noticePeriod}, ${cv.availability.workload}.`,
    cv.preferences &&
      `Looks for ${cv.preferences.roles?.join(' or ')}; ${cv.preferences.workMode}; ${cv.preferences.relocation}.`,
    ...(cv.awards ?? []).map((a) => `Award: ${a.title}, ${a.issuer}, ${a.year}.`),
    ...(cv.talks ?? []).map((t) => `Talk: ${t.title}, ${t.event}, ${t.place}, ${t.year}.`),
    ...(cv.certificates ?? []).map((c) => `Certificate: ${c.name}, ${c.year}.`),
    ...(cv.publications ?? []).map((p) => `Paper: ${p.title}, ${p.venue}, ${p.year}.`),
    ...(cv.volunteering ?? []).map((v) => `Volunteer: ${v.role}, ${v.organisation}, ${when(v)}.`),
    cv.hobbies?.length && `Hobbies: ${cv.hobbies.join(', ')}.`,
  ];
  let text =
    `You answer questions about ${cv.name} for visitors of a CV page. Use only the facts below; if they do not say, ` +
    `say that the CV does not say. Answer in one or two sentences, speaking of ${first} by name.\n`;
  for (const item of facts) {
    if (!item) continue;
    if (text.length + item.length + 1 > budget) break;
    text += `${item}\n`;
  }
  return text.trimEnd();
}
