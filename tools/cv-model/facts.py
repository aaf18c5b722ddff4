"""Reads and checks a cv.json and turns it into facts: an answer, and the values a right answer contains."""

import datetime
import json
import re
from dataclasses import dataclass, field


class CvError(Exception):
    """The cv.json cannot be used; the message is one line that names the field."""


class _Text:
    """A non-empty string, of one line, free of the chat markers; `pattern` narrows it further."""

    def __init__(self, pattern=None, what='a non-empty string', optional=False):
        self.pattern = re.compile(pattern) if pattern else None
        self.what = what + (' or null' if optional else '')
        self.optional = optional

    def check(self, value, path):
        if value is None and self.optional:
            return
        ok = isinstance(value, str) and value.strip() == value and value != ''
        ok = ok and not re.search(r'[\x00-\x1f]|<\|', value)
        if not ok or (self.pattern and not self.pattern.fullmatch(value)):
            raise CvError(f'{path}: expected {self.what}')


class _Int:
    def __init__(self, low, high):
        self.low, self.high = low, high

    def check(self, value, path):
        if isinstance(value, bool) or not isinstance(value, int) or not self.low <= value <= self.high:
            raise CvError(f'{path}: expected a whole number from {self.low} to {self.high}')


class _List:
    def __init__(self, item, least=0):
        self.item, self.least = item, least

    def check(self, value, path):
        if not isinstance(value, list) or len(value) < self.least:
            raise CvError(f'{path}: expected a list of at least {self.least}')
        for i, item in enumerate(value):
            _check(self.item, item, f'{path}[{i}]')


def _check(spec, value, path):
    if not isinstance(spec, dict):
        spec.check(value, path)
        return
    if not isinstance(value, dict):
        raise CvError(f'{path or "cv.json"}: expected an object')
    for key in value:
        if key not in spec:
            raise CvError(f'{_join(path, key)}: unknown field')
    for key in spec:
        if key not in value:
            raise CvError(f'{_join(path, key)}: missing field')
    for key, inner in spec.items():
        _check(inner, value[key], _join(path, key))


def _join(path, key):
    return f'{path}.{key}' if path else key


TEXT = _Text()
MONTH = _Text(r'(19|20)\d\d-(0[1-9]|1[0-2])', 'a month as YYYY-MM')
OPEN_MONTH = _Text(r'(19|20)\d\d-(0[1-9]|1[0-2])', 'a month as YYYY-MM', optional=True)
YEAR = _Int(1900, 2099)
URL = _Text(r'https?://\S+', 'a URL')

SCHEMA = {
    'name': TEXT,
    'firstName': TEXT,
    'pronouns': {'subject': TEXT, 'object': TEXT, 'possessive': TEXT},
    'title': TEXT,
    'summary': TEXT,
    'yearsOfExperience': _Int(0, 80),
    'location': {'city': TEXT, 'country': TEXT},
    'contact': {'email': _Text(r'[^@\s]+@[^@\s]+', 'an email address'), 'phone': TEXT, 'website': URL},
    'links': _List({'label': TEXT, 'url': URL}),
    'languages': _List({'language': TEXT, 'level': TEXT}, 1),
    'employment': _List(
        {
            'employer': TEXT,
            'role': TEXT,
            'start': MONTH,
            'end': OPEN_MONTH,
            'place': TEXT,
            'summary': TEXT,
            'achievements': _List(TEXT, 1),
            'technologies': _List(TEXT, 1),
        },
        1,
    ),
    'education': _List(
        {
            'institution': TEXT,
            'degree': TEXT,
            'field': TEXT,
            'start': MONTH,
            'end': OPEN_MONTH,
            'place': TEXT,
            'grade': TEXT,
            'thesis': TEXT,
        },
        1,
    ),
    'projects': _List({'name': TEXT, 'year': YEAR, 'description': TEXT, 'technologies': _List(TEXT, 1), 'url': URL}),
    'skills': _List({'name': TEXT, 'category': TEXT, 'level': TEXT, 'years': _Int(0, 80)}, 1),
    'certificates': _List({'name': TEXT, 'issuer': TEXT, 'year': YEAR}),
    'talks': _List({'title': TEXT, 'event': TEXT, 'place': TEXT, 'year': YEAR}),
    'publications': _List({'title': TEXT, 'venue': TEXT, 'year': YEAR}),
    'awards': _List({'title': TEXT, 'issuer': TEXT, 'year': YEAR}),
    'volunteering': _List(
        {'organisation': TEXT, 'role': TEXT, 'start': MONTH, 'end': OPEN_MONTH, 'place': TEXT, 'summary': TEXT}
    ),
    'hobbies': _List(TEXT, 1),
    'availability': {'from': MONTH, 'noticePeriod': TEXT, 'workload': TEXT},
    'preferences': {
        'roles': _List(TEXT, 1),
        'workMode': TEXT,
        'relocation': TEXT,
        'travel': TEXT,
        'teamSize': TEXT,
        'industries': _List(TEXT, 1),
    },
    'workPermit': TEXT,
    'references': TEXT,
}


def _no_duplicates(pairs):
    out = {}
    for key, value in pairs:
        if key in out:
            raise CvError(f'{key}: field given twice')
        out[key] = value
    return out


def load_cv(path):
    """The CV in the file at `path`. Raises CvError (one line naming the field) unless it fits SCHEMA exactly."""
    try:
        with open(path, encoding='utf-8') as file:
            cv = json.load(file, object_pairs_hook=_no_duplicates)
    except OSError as error:
        raise CvError(f'{path}: {error.strerror}') from None
    except UnicodeDecodeError:
        raise CvError(f'{path}: not UTF-8') from None
    except json.JSONDecodeError as error:
        raise CvError(f'{path}: not JSON: {error.msg} in line {error.lineno}') from None
    except RecursionError:
        raise CvError(f'{path}: nested too deeply') from None
    _check(SCHEMA, cv, '')
    for kind in ('employment', 'education', 'volunteering'):
        for i, entry in enumerate(cv[kind]):
            if entry['end'] is not None and entry['end'] < entry['start']:
                raise CvError(f'{kind}[{i}].end: before start')
    for kind in ('employment', 'education'):
        starts = [entry['start'] for entry in cv[kind]]
        if starts != sorted(starts, reverse=True):
            raise CvError(f'{kind}: expected the newest first')
    return cv


@dataclass
class Fact:
    """One thing that can be asked. `kind` names its set of wordings; `entity` is (section, index) or None."""

    kind: str
    answer: str
    keys: list  # a right answer contains every one of these
    names: list = field(default_factory=list)  # what {E} stands for in the wordings
    entity: tuple = None

    @property
    def id(self):
        where = f'[{self.entity[0]}.{self.entity[1]}]' if self.entity else ''
        return self.kind + where + (f'({self.names[0]})' if self.names else '')


def month_words(month):
    """'2022-03' → 'March 2022'."""
    return datetime.date(int(month[:4]), int(month[5:]), 1).strftime('%B %Y')


def listing(items):
    """['a', 'b', 'c'] → 'a, b and c'."""
    return items[0] if len(items) == 1 else ', '.join(items[:-1]) + ' and ' + items[-1]


def _unique(items):
    return list(dict.fromkeys(items))


def degree_names(degree):
    """The words people use for a degree."""
    low = degree.lower()
    if 'master' in low:
        short = ['master', "master's", 'masters', "master's degree"]
    elif 'bachelor' in low:
        short = ['bachelor', "bachelor's", 'bachelors', "bachelor's degree"]
    elif 'doctor' in low or 'phd' in low:
        short = ['doctorate', 'phd', 'PhD', 'doctoral degree']
    else:
        short = []
    initials = ''.join(word[0] for word in degree.split() if word[0].isupper())
    letters = {'MS': ['MSc'], 'BS': ['BSc']}.get(initials, [])
    return short + letters


def _span(start, end):
    if end is None:
        return f'since {month_words(start)}', [month_words(start)]
    return f'from {month_words(start)} to {month_words(end)}', [month_words(start), month_words(end)]


def _names(cv):
    """Every entity's full name → the names a visitor may use (the first word too, where it means one thing)."""
    full = [e['employer'] for e in cv['employment']] + [e['institution'] for e in cv['education']]
    full += [p['name'] for p in cv['projects']] + [v['organisation'] for v in cv['volunteering']]
    full += [t['title'] for t in cv['talks']] + [c['name'] for c in cv['certificates']]
    full += [p['title'] for p in cv['publications']] + [a['title'] for a in cv['awards']]
    everything = json.dumps([cv[k] for k in ('skills', 'talks', 'certificates', 'publications', 'awards', 'location')])
    result = {}
    for name in full:
        first = name.split()[0]
        single = sum(other.split()[0] == first for other in full) == 1 and everything.count(first) <= everything.count(name)
        result[name] = [name, first] if single and first != name and len(first) > 4 else [name]
    return result


def facts_of(cv):
    """All facts of a checked CV, in a fixed order. Kinds are keys of wordings.WORDINGS."""
    first, names = cv['firstName'], _names(cv)
    her = cv['pronouns']['possessive']
    facts = []

    def add(kind, answer, keys, names=(), entity=None):
        facts.append(Fact(kind, answer[0].upper() + answer[1:], [str(key) for key in keys], list(names), entity))

    contact, place = cv['contact'], cv['location']
    add('name', f'The CV is that of {cv["name"]}.', [cv['name']])
    add('title', f"{first}'s title is {cv['title']}.", [cv['title']])
    add('summary', cv['summary'], [cv['summary']])
    add('experience', f'{first} has {cv["yearsOfExperience"]} years of experience.', [cv['yearsOfExperience']])
    add('location', f'{first} lives in {place["city"]}, {place["country"]}.', [place['city'], place['country']])
    for spot in _unique(place.values()):
        add('location.yes', f'Yes, {first} lives in {place["city"]}, {place["country"]}.', ['Yes', place['city']], [spot])
    add('email', f'You can write to {first} at {contact["email"]}.', [contact['email']])
    add('phone', f"{first}'s phone number is {contact['phone']}.", [contact['phone']])
    add('website', f"{first}'s website is {contact['website']}.", [contact['website']])
    add(
        'contact',
        f'You can reach {first} by email at {contact["email"]} or by phone at {contact["phone"]}.',
        [contact['email'], contact['phone']],
    )
    for link in cv['links']:
        add('link', f"{first}'s {link['label']} page is {link['url']}.", [link['url']], [link['label']])

    spoken = [entry['language'] for entry in cv['languages']]
    add('languages', f'{first} speaks {listing(spoken)}.', spoken)
    for entry in cv['languages']:
        name, level = entry['language'], entry['level']
        add('language.know', f'Yes, {first} speaks {name}: {level}.', ['Yes', name, level], [name])
        add('language.level', f"{first}'s level of {name} is {level}.", [name, level], [name])

    jobs = cv['employment']
    for i, job in enumerate(jobs):
        employer, role, where = job['employer'], job['role'], job['place']
        alias, entity, now = names[employer], ('job', i), job['end'] is None
        span, dates = _span(job['start'], job['end'])
        was = 'is' if now else 'was'
        add('job.what', f'At {employer}, {first} {job["summary"]}.', [employer, job['summary']], alias, entity)
        add('job.role', f'{first} {was} {role} at {employer}.', [employer, role], alias, entity)
        worked = f'{first} has worked at {employer} {span}.' if now else f'{first} worked at {employer} {span}.'
        add('job.when', worked, [employer, *dates], alias, entity)
        add('job.where', f'{first} {"works" if now else "worked"} at {employer} in {where}.', [employer, where], alias, entity)
        add('job.achieve', f'At {employer}, {first} {" and ".join(job["achievements"])}.', [employer, *job['achievements']], alias, entity)
        add('job.tech', f'At {employer}, {first} {"works" if now else "worked"} with {listing(job["technologies"])}.', [employer, *job['technologies']], alias, entity)
        add('job.yes', f'Yes, {first} {was} {role} at {employer}.', ['Yes', employer, role], alias, entity)
        if i == 0:
            add('job.current', f'{first} {was} {role} at {employer} in {where}.', [employer, role], (), entity)
        if i == 1:
            add('job.previous', f"{first}'s previous job was {role} at {employer} in {where}.", [employer, role], (), entity)
        if i == len(jobs) - 1 and i > 0:
            add('job.first', f"{first}'s first job was {role} at {employer} in {where}.", [employer, role], (), entity)
        if i < len(jobs) - 1:
            last = jobs[i + 1]
            add('job.before', f'Before {employer}, {first} was {last["role"]} at {last["employer"]}.', [employer, last['role'], last['employer']], alias, ('job', i + 1))
        if i > 0:
            then = jobs[i - 1]
            add('job.after', f'After {employer}, {first} became {then["role"]} at {then["employer"]}.', [employer, then['role'], then['employer']], alias, ('job', i - 1))
            add('follow.before', f'Before that, {first} was {role} at {employer} in {where}.', [employer, role], (), entity)
        if i < len(jobs) - 1:
            add('follow.after', f'After that, {first} became {role} at {employer} in {where}.', [employer, role], (), entity)
    add('follow.nothing_before', 'That was the first job in the CV.', ['first job'])
    add('follow.nothing_after', f"That is {first}'s current job.", ['current job'])
    add('job.list', f'{first} has worked at {listing(_unique(j["employer"] for j in jobs))}.', [j['employer'] for j in jobs])
    add('job.count', f'The CV lists {len(jobs)} job{"s" * (len(jobs) != 1)}.', [f'{len(jobs)} job'])
    add('achievement', f'At {jobs[0]["employer"]}, {first} {jobs[0]["achievements"][0]}.', [jobs[0]['achievements'][0]], (), ('job', 0))

    places = _unique(job['place'] for job in jobs)
    for city in places:
        there = _unique(job['employer'] for job in jobs if job['place'] == city)
        add('place.job', f'Yes, {first} worked at {listing(there)} in {city}.', ['Yes', city, *there], [city])

    years = [int(job['start'][:4]) for job in jobs] + [int(e['start'][:4]) for e in cv['education']]
    # What is still going on is taken to go on until the year before the next job may begin.
    ends = [int(e['end'][:4]) if e['end'] else int(cv['availability']['from'][:4]) - 1 for e in jobs + cv['education']]
    open_end = str(max(ends + years))
    for year in range(min(years), int(open_end) + 1):
        work = _unique(j['employer'] for j in reversed(jobs) if j['start'][:4] <= str(year) <= (j['end'] or open_end)[:4])
        study = _unique(e['institution'] for e in reversed(cv['education']) if e['start'][:4] <= str(year) <= (e['end'] or open_end)[:4])
        parts = [f'studied at {listing(study)}'] if study else []
        parts += [f'worked at {listing(work)}'] if work else []
        if parts:
            add('year', f'In {year}, {first} {" and ".join(parts)}.', [year, *work, *study], [str(year)])

    schools = cv['education']
    for i, school in enumerate(schools):
        name, degree, subject = school['institution'], school['degree'], school['field']
        entity, span = ('school', i), _span(school['start'], school['end'])
        # A degree's short names mean one school only where no other school gave such a degree.
        short = [n for n in degree_names(degree) if sum(n in degree_names(s['degree']) for s in schools) == 1]
        alias = names[name]
        add('school.what', f'{first} took the {degree} in {subject} at {name}.', [name, degree, subject], alias, entity)
        add('school.when', f'{first} studied at {name} {span[0]}.', [name, *span[1]], alias, entity)
        add('school.where', f'{name} is in {school["place"]}.', [name, school['place']], alias, entity)
        add('school.grade', f'{first} finished at {name} {school["grade"]}.', [name, school['grade']], alias, entity)
        add('school.thesis', f'{her} thesis at {name} was "{school["thesis"]}".', [name, school['thesis']], alias, entity)
        if short:
            add('degree.what', f'{first} took the {degree} in {subject} at {name}.', [name, degree, subject], short, entity)
            add('degree.when', f'{first} studied at {name} {span[0]}.', [name, *span[1]], short, entity)
            add('degree.grade', f'{first} finished at {name} {school["grade"]}.', [name, school['grade']], short, entity)
            add('degree.thesis', f'{her} thesis at {name} was "{school["thesis"]}".', [name, school['thesis']], short, entity)
    studied = [f'{s["field"]} at {s["institution"]} in {s["place"]}' for s in schools]
    add('school.list', f'{first} studied {listing(studied)}.', [s['institution'] for s in schools])
    top = schools[0]
    add('degree.highest', f"{first}'s highest degree is the {top['degree']} in {top['field']}.", [top['degree'], top['field']], (), ('school', 0))

    projects = cv['projects']
    for i, project in enumerate(projects):
        name, entity, alias = project['name'], ('project', i), names[project['name']]
        add('project.what', f'{name} is {project["description"]}.', [name, project['description']], alias, entity)
        add('project.when', f'{first} started {name} in {project["year"]}.', [name, project['year']], alias, entity)
        add('project.tech', f'{name} is built with {listing(project["technologies"])}.', [name, *project['technologies']], alias, entity)
        add('project.url', f'You find {name} at {project["url"]}.', [project['url']], alias, entity)
    if projects:
        add('project.list', f"{first}'s projects are {listing([p['name'] for p in projects])}.", [p['name'] for p in projects])

    skills = cv['skills']
    for i, skill in enumerate(skills):
        name, level, years_ = skill['name'], skill['level'], f'{skill["years"]} year{"s" * (skill["years"] != 1)}'
        entity = ('skill', i)
        add('skill.know', f'Yes, {first} has {years_} of experience with {name}.', ['Yes', name, years_], [name], entity)
        add('skill.years', f'{first} has {years_} of experience with {name}.', [name, years_], [name], entity)
        add('skill.level', f"{first}'s level in {name} is {level}.", [name, level], [name], entity)
    add('skill.list', f'{first} works with {listing([s["name"] for s in skills][:6])} and more.', [s['name'] for s in skills][:6])
    best_level = max(skills, key=lambda s: s['years'])['level']
    experts = [s['name'] for s in skills if s['level'] == 'expert'] or [s['name'] for s in skills if s['level'] == best_level]
    add('skill.best', f"{first}'s strongest skills are {listing(experts)}.", experts)
    for category in _unique(s['category'] for s in skills):
        own = [s['name'] for s in skills if s['category'] == category]
        add('skill.category', f'In {category}, {first} knows {listing(own)}.', own, [category])
    for tech in _unique(t for part in (jobs, projects) for entry in part for t in entry['technologies']):
        at = _unique(j['employer'] for j in jobs if tech in j['technologies'])
        built = _unique(p['name'] for p in projects if tech in p['technologies'])
        parts = [f'at {listing(at)}'] if at else []
        parts += [f'in {listing(built)}'] if built else []
        add('tech.where', f'{first} used {tech} {" and ".join(parts)}.', [tech, *at, *built], [tech])

    for i, entry in enumerate(cv['certificates']):
        name, entity, alias = entry['name'], ('certificate', i), names[entry['name']]
        add('certificate.when', f'{first} became {name} in {entry["year"]}.', [name, entry['year']], alias, entity)
        add('certificate.issuer', f'{name} was issued by {entry["issuer"]}.', [name, entry['issuer']], alias, entity)
    if cv['certificates']:
        own = [f'{c["name"]} ({c["year"]})' for c in cv['certificates']]
        add('certificate.list', f"{first}'s certificates are {listing(own)}.", [c['name'] for c in cv['certificates']])

    for i, talk in enumerate(cv['talks']):
        title, entity = talk['title'], ('talk', i)
        add('talk.where', f'{first} gave "{title}" at {talk["event"]} in {talk["place"]}.', [title, talk['event'], talk['place']], names[title], entity)
        add('talk.when', f'{first} gave "{title}" in {talk["year"]}.', [title, talk['year']], names[title], entity)
        add('talk.event', f'At {talk["event"]} {talk["year"]}, {first} spoke about "{title}".', [talk['event'], title], [talk['event']], entity)
    if cv['talks']:
        titles = [f'"{t["title"]}" ({t["year"]})' for t in cv['talks']]
        add('talk.list', f'{first} gave the talks {listing(titles)}.', [t['title'] for t in cv['talks']])

    for i, paper in enumerate(cv['publications']):
        title, entity = paper['title'], ('publication', i)
        add('publication.where', f'"{title}" appeared in {paper["venue"]}.', [title, paper['venue']], names[title], entity)
        add('publication.when', f'"{title}" appeared in {paper["year"]}.', [title, paper['year']], names[title], entity)
    if cv['publications']:
        titles = [f'"{p["title"]}" ({p["year"]})' for p in cv['publications']]
        add('publication.list', f'{first} published {listing(titles)}.', [p['title'] for p in cv['publications']])

    for i, award in enumerate(cv['awards']):
        title, entity = award['title'], ('award', i)
        add('award.when', f'{first} received the {title} award in {award["year"]}.', [title, award['year']], [title], entity)
        add('award.issuer', f'{title} was awarded by {award["issuer"]}.', [title, award['issuer']], [title], entity)
    if cv['awards']:
        titles = [f'{a["title"]} ({a["year"]})' for a in cv['awards']]
        add('award.list', f'{first} won {listing(titles)}.', [a['title'] for a in cv['awards']])

    for i, entry in enumerate(cv['volunteering']):
        name, entity, alias = entry['organisation'], ('volunteering', i), names[entry['organisation']]
        span, dates = _span(entry['start'], entry['end'])
        add('volunteering.what', f'At {name}, {first} {entry["summary"]}.', [name, entry['summary']], alias, entity)
        add('volunteering.role', f'{first} {"is" if entry["end"] is None else "was"} {entry["role"]} at {name}.', [name, entry['role']], alias, entity)
        add('volunteering.when', f'{first} {"has volunteered" if entry["end"] is None else "volunteered"} at {name} {span}.', [name, *dates], alias, entity)
        add('volunteering.where', f'{name} is in {entry["place"]}.', [name, entry['place']], alias, entity)
    if cv['volunteering']:
        own = [v['organisation'] for v in cv['volunteering']]
        add('volunteering.list', f'{first} volunteers or volunteered at {listing(own)}.', own)

    add('hobbies', f'In {her} free time, {first} enjoys {listing(cv["hobbies"])}.', cv['hobbies'])
    available, wanted = cv['availability'], cv['preferences']
    add('available', f'{first} is available from {month_words(available["from"])}.', [month_words(available['from'])])
    add('notice', f"{first}'s notice period is {available['noticePeriod']}.", [available['noticePeriod']])
    add('workload', f'{first} would like to work {available["workload"]}.', [available['workload']])
    add('roles', f'{first} is looking for a role as {" or ".join(wanted["roles"])}.', wanted['roles'])
    add('workMode', f'{first} prefers to work {wanted["workMode"]}.', [wanted['workMode']])
    add('relocation', f'{first} is {wanted["relocation"]}.', [wanted['relocation']])
    add('travel', f'{first} is happy with {wanted["travel"]}.', [wanted['travel']])
    add('teamSize', f'{first} likes {wanted["teamSize"]}.', [wanted['teamSize']])
    add('industries', f'{first} is most interested in {listing(wanted["industries"])}.', wanted['industries'])
    add('workPermit', f'{first} {cv["workPermit"]}.', [cv['workPermit']])
    add('references', f"{first}'s references are {cv['references']}.", [cv['references']])
    return facts
