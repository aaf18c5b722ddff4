"""How visitors ask: the wordings of every kind of fact, before names, casing and typos are filled in.

A line is a core phrase; its prefix says how it is put into sentences:
  n: / N:  noun phrase that takes a possessive (singular / plural): "email address" → "what is {p} email address?"
  t: / T:  noun phrase that stands alone: "the way to reach {o}" → "tell me the way to reach {o}"
  c:       a question and its indirect form, split by "|"
  q:       a whole question
  s:       a short form
Slots: {s} she, {p} her, {o} her (or the name, "you", …) and {E} the thing asked about.
"""

N_FRAMES = [
    'what {is} {p} {x}?',
    "what's {p} {x}?",
    'tell me {p} {x}',
    'can you tell me {p} {x}?',
    'could you tell me {p} {x} please?',
    "i'd like to know {p} {x}",
    'do you know {p} {x}?',
    'give me {p} {x}',
    'please give me {p} {x}',
    'i need {p} {x}',
    'may i ask {p} {x}?',
    'show me {p} {x}',
    '{p} {x}?',
    '{p} {x} please',
    '{x}?',
    'and {p} {x}?',
    'what about {p} {x}?',
    'what can you say about {p} {x}?',
]
T_FRAMES = [
    'what {is} {x}?',
    "what's {x}?",
    'tell me {x}',
    'can you tell me {x}?',
    'could you give me {x} please?',
    "i'd like to know {x}",
    'do you know {x}?',
    'give me {x}',
    '{x}?',
    '{x} please',
    'and {x}?',
    'what about {x}?',
]
C_FRAMES = [
    '{x}?',
    'so {x}?',
    'and {x}?',
    'hi, {x}?',
    'tell me {y}',
    'can you tell me {y}?',
    'could you please tell me {y}?',
    'do you know {y}?',
    "i'd like to know {y}",
    'i wonder {y}',
    'please say {y}',
    'any idea {y}?',
]
Q_FRAMES = ['{x}', 'hello, {x}', 'and {x}', 'tell me, {x}', 'please, {x}', 'i have a question: {x}']
S_FRAMES = ['{x}', '{x} please', 'and {x}', 'ok, {x}']


def expand(core):
    """All wordings of one core phrase, as (wording, core)."""
    mark, text = core[0], core[3:]
    if mark in 'nN':
        return [f.replace('{is}', 'are' if mark == 'N' else 'is').replace('{x}', text) for f in N_FRAMES]
    if mark in 'tT':
        return [f.replace('{is}', 'are' if mark == 'T' else 'is').replace('{x}', text) for f in T_FRAMES]
    if mark == 'c':
        direct, indirect = (part.strip() for part in text.split('|'))
        return [f.replace('{x}', direct).replace('{y}', indirect) for f in C_FRAMES]
    return [f.replace('{x}', text) for f in (Q_FRAMES if mark == 'q' else S_FRAMES)]


# Kinds about the person; see facts.facts_of for the kinds.
WORDINGS = {
    'name': """
n: full name
n: name
t: the name of the candidate
t: the name on this cv
t: the name of this person
c: whose cv is this | whose cv this is
c: who is this cv about | who this cv is about
c: what is the candidate called | what the candidate is called
c: who is the candidate | who the candidate is
q: who are we talking about?
q: who is this person?
s: full name?
s: name of the candidate?
s: who is it?
""",
    'title': """
n: job title
n: title
n: profession
n: occupation
n: current title
n: position title
c: what is {s} by profession | what {s} is by profession
c: what kind of engineer is {s} | what kind of engineer {s} is
c: what does {s} do for a living | what {s} does for a living
q: what title does {s} have?
q: which title does {s} hold?
s: title?
s: profession?
s: job title
""",
    'summary': """
n: profile
n: profile in short
n: background
n: strengths
t: a summary of the cv
t: a short summary
t: a summary of {p} profile
c: what does {s} stand for | what {s} stands for
c: why should i hire {o} | why i should hire {o}
c: what makes {o} special | what makes {o} special
c: why should we invite {o} | why we should invite {o}
q: tell me about {o}
q: tell me something about {o}
q: who is {s}?
q: introduce {o}
q: describe {o}
q: what should i know about {o}?
q: can you summarise the cv?
q: give me an overview
s: summary?
s: profile?
s: in a nutshell?
s: about {o}
s: overview?
""",
    'experience': """
n: years of experience
n: total experience
n: amount of experience
n: professional experience in years
c: how many years of experience does {s} have | how many years of experience {s} has
c: how much experience does {s} have | how much experience {s} has
c: how experienced is {s} | how experienced {s} is
c: how long has {s} been an engineer | how long {s} has been an engineer
c: how long has {s} been working | how long {s} has been working
c: how long has {s} been in the industry | how long {s} has been in the industry
q: how senior is {s}?
q: how many years has {s} worked?
s: experience?
s: years of experience?
s: how many years?
""",
    'location': """
n: location
n: home town
n: current location
n: place of residence
n: city
t: the city {s} lives in
t: the place where {s} lives
c: where does {s} live | where {s} lives
c: where is {s} based | where {s} is based
c: where is {s} located | where {s} is located
c: in which city does {s} live | in which city {s} lives
c: in what country does {s} live | in what country {s} lives
c: where is {p} home | where {p} home is
c: which city is {s} in | which city {s} is in
q: where can i find {o}?
s: location?
s: where based?
s: lives where?
s: where u live
s: home?
""",
    'location.yes': """
q: does {s} live in {E}?
q: is {s} from {E}?
q: is {s} based in {E}?
q: is {s} in {E}?
q: is {s} living in {E}?
q: is {p} home in {E}?
q: is it true that {s} lives in {E}?
s: lives in {E}?
s: based in {E}?
""",
    'email': """
n: email address
n: email
n: e-mail
n: mail address
n: e-mail address
t: the email of the candidate
c: how can i email {o} | how i can email {o}
c: where can i write to {o} | where i can write to {o}
c: where do i send a mail to {o} | where i can send a mail to {o}
c: which email address does {s} use | which email address {s} uses
q: can i email {o}?
q: can i write {o} an email?
q: how do i send {o} a message?
s: email?
s: mail?
s: e-mail?
s: email pls
s: email addr?
s: ur email?
""",
    'phone': """
n: phone number
n: telephone number
n: phone
n: mobile number
n: cell number
n: number to call
t: the phone number of the candidate
c: how can i call {o} | how i can call {o}
c: which number can i call | which number i can call
c: what number do i dial to reach {o} | what number i dial to reach {o}
c: how can i phone {o} | how i can phone {o}
q: can i call {o}?
q: can i phone {o}?
q: does {s} have a phone?
s: phone?
s: tel?
s: mobile?
s: phone number?
s: number?
s: telephone?
""",
    'website': """
n: website
n: web site
n: homepage
n: home page
n: personal site
n: web page
t: the address of {p} website
c: where is {s} on the web | where {s} is on the web
c: where can i find {p} website | where i can find {p} website
q: does {s} have a website?
q: does {s} have a homepage?
q: is there a website of {o}?
s: website?
s: homepage?
s: site?
s: web?
""",
    'contact': """
N: contact details
n: contact information
n: contact info
n: contact data
t: the best way to reach {o}
t: a way to contact {o}
c: how can i contact {o} | how i can contact {o}
c: how can i reach {o} | how i can reach {o}
c: how do i get in touch with {o} | how i get in touch with {o}
c: how can we get hold of {o} | how we can get hold of {o}
q: can i contact {o}?
q: how to get in touch?
q: i want to talk to {o}
q: i want to hire {o}
s: contact?
s: contact details?
s: how to reach {o}?
s: contact info
""",
    'link': """
n: {E}
n: {E} page
n: {E} profile
n: {E} account
n: {E} link
n: {E} address
c: where is {s} on {E} | where {s} is on {E}
c: where can i find {o} on {E} | where i can find {o} on {E}
c: how do i find {o} on {E} | how i find {o} on {E}
q: is {s} on {E}?
q: does {s} have {E}?
q: does {s} have a {E} account?
q: link to {E}?
s: {E}?
s: {E} link?
s: {E} profile?
s: {E} url
""",
    'languages': """
N: languages
N: spoken languages
N: human languages
N: language skills
N: foreign languages
c: which languages does {s} speak | which languages {s} speaks
c: what languages does {s} speak | what languages {s} speaks
c: how many languages does {s} speak | how many languages {s} speaks
c: what languages can {s} talk in | what languages {s} can talk in
q: is {s} multilingual?
q: does {s} speak other languages?
q: does {s} speak any foreign language?
s: languages?
s: speaks?
s: spoken languages?
s: languages spoken?
""",
    'language.know': """
q: does {s} speak {E}?
q: can {s} speak {E}?
q: does {s} know {E}?
q: does {s} understand {E}?
q: can i talk {E} with {o}?
q: can we do the interview in {E}?
q: is {s} able to speak {E}?
q: speaks {s} {E}?
q: any {E}?
q: has {s} learned {E}?
s: {E}?
s: speaks {E}?
s: speak {E}?
s: {E} ok?
""",
    'language.level': """
n: level of {E}
n: {E} level
n: {E} skills
n: {E}
t: the level of {p} {E}
c: how good is {p} {E} | how good {p} {E} is
c: how well does {s} speak {E} | how well {s} speaks {E}
c: how fluent is {s} in {E} | how fluent {s} is in {E}
q: is {p} {E} good?
q: is {s} fluent in {E}?
s: {E} level?
s: how good {E}?
s: how well {E}?
""",
    'job.current': """
n: current job
n: current position
n: current employer
n: present job
n: current role
n: job
n: employer
t: the company {s} works for
c: where does {s} work | where {s} works
c: where does {s} work now | where {s} works now
c: who does {s} work for | who {s} works for
c: what is {s} doing now | what {s} is doing now
c: which company does {s} work for | which company {s} works for
c: where is {s} employed | where {s} is employed
c: what does {s} do at the moment | what {s} does at the moment
q: who employs {o}?
q: does {s} have a job right now?
q: is {s} employed?
s: current job?
s: job?
s: employer?
s: where u work now
s: works where?
s: where work?
s: company?
s: current position?
""",
    'job.previous': """
n: previous job
n: last job before this one
n: former employer
n: previous employer
n: previous position
n: last employer
c: where did {s} work before | where {s} worked before
c: who did {s} work for before | who {s} worked for before
c: what did {s} do before the current job | what {s} did before the current job
q: what was the job before this one?
q: what was {p} last job?
q: which company was before that one?
s: previous job?
s: last job?
s: prev job?
s: job before?
s: former job?
""",
    'job.first': """
n: first job
n: very first job
n: first employer
n: first position
c: where did {s} start {p} career | where {s} started {p} career
c: how did {s} start {p} career | how {s} started {p} career
c: where did {s} begin | where {s} began
c: where did {s} work first | where {s} worked first
q: what was {p} first job?
q: which company was the first?
s: first job?
s: career start?
s: first employer?
""",
    'job.list': """
n: career so far
n: career
n: work history
n: employment history
N: employers
N: jobs
n: work experience
n: job history
c: which companies has {s} worked for | which companies {s} has worked for
c: where has {s} worked | where {s} has worked
c: what companies did {s} work at | what companies {s} worked at
c: who has {s} worked for | who {s} has worked for
q: list all employers
q: list {p} jobs
q: which jobs has {s} had?
q: where has {s} worked so far?
s: employers?
s: work history?
s: jobs?
s: all jobs?
s: career?
s: companies?
""",
    'job.count': """
n: number of jobs
n: number of employers
c: how many jobs has {s} had | how many jobs {s} has had
c: how many employers has {s} had | how many employers {s} has had
c: how many companies has {s} worked for | how many companies {s} has worked for
c: at how many places has {s} worked | at how many places {s} has worked
q: how many jobs are in the cv?
q: how often has {s} changed jobs?
s: how many jobs?
s: number of jobs?
s: how many employers?
""",
    'achievement': """
n: biggest achievement
n: greatest achievement
n: greatest success
n: most important achievement
n: top achievement
n: proudest moment
c: what is {s} most proud of | what {s} is most proud of
c: what has {s} achieved lately | what {s} has achieved lately
c: what was {p} biggest success | what {p} biggest success was
q: what has {s} accomplished?
q: tell me about an achievement
s: achievements?
s: biggest success?
s: top achievement?
""",
    'job.what': """
n: work at {E}
N: tasks at {E}
N: duties at {E}
n: job at {E}
t: the work {s} did at {E}
c: what did {s} do at {E} | what {s} did at {E}
c: what does {s} do at {E} | what {s} does at {E}
c: what did {s} work on at {E} | what {s} worked on at {E}
c: what was {s} doing at {E} | what {s} was doing at {E}
c: what did {s} build at {E} | what {s} built at {E}
q: tell me about {E}
q: tell me more about {E}
q: tell me about {p} time at {E}
q: what happened at {E}?
s: {E}?
s: what about {E}?
s: {E}: what did {s} do?
s: work at {E}?
""",
    'job.role': """
n: role at {E}
n: position at {E}
n: title at {E}
n: job title at {E}
c: as what did {s} work at {E} | as what {s} worked at {E}
c: which role did {s} have at {E} | which role {s} had at {E}
c: what position did {s} hold at {E} | what position {s} held at {E}
c: what was {s} at {E} | what {s} was at {E}
q: was {s} senior at {E}?
s: role at {E}?
s: {E} role?
s: title at {E}?
s: {E}, as what?
""",
    'job.when': """
n: time at {E} in dates
N: dates at {E}
n: start date at {E}
N: years at {E}
c: when did {s} work at {E} | when {s} worked at {E}
c: when did {s} join {E} | when {s} joined {E}
c: when did {s} start at {E} | when {s} started at {E}
c: when did {s} leave {E} | when {s} left {E}
c: how long did {s} work at {E} | how long {s} worked at {E}
c: how long was {s} at {E} | how long {s} was at {E}
c: since when has {s} been at {E} | since when {s} has been at {E}
c: from when to when was {s} at {E} | from when to when {s} was at {E}
q: in which years was {s} at {E}?
s: {E} when?
s: when {E}?
s: dates at {E}?
s: how long at {E}?
""",
    'job.where': """
n: place of work at {E}
c: where is {E} | where {E} is
c: where is {E} based | where {E} is based
c: where was {s} when {s} worked at {E} | where {s} was when {s} worked at {E}
c: in which city is {E} | in which city {E} is
c: in which city did {s} work for {E} | in which city {s} worked for {E}
c: where did {s} work for {E} | where {s} worked for {E}
t: the city of {E}
t: the location of {E}
q: which city is {E} in?
s: {E} where?
s: where {E}?
s: {E} location?
s: {E} city?
""",
    'job.achieve': """
N: achievements at {E}
N: results at {E}
n: success at {E}
n: impact at {E}
N: accomplishments at {E}
c: what did {s} achieve at {E} | what {s} achieved at {E}
c: what has {s} achieved at {E} | what {s} has achieved at {E}
c: what did {s} improve at {E} | what {s} improved at {E}
c: what did {s} accomplish at {E} | what {s} accomplished at {E}
c: what was {p} biggest success at {E} | what {p} biggest success at {E} was
q: was {s} successful at {E}?
s: achievements at {E}?
s: {E} achievements?
s: results at {E}?
s: {E} impact?
""",
    'job.tech': """
n: tech stack at {E}
n: stack at {E}
N: technologies at {E}
N: tools at {E}
c: which technologies did {s} use at {E} | which technologies {s} used at {E}
c: what tech did {s} use at {E} | what tech {s} used at {E}
c: which programming languages did {s} use at {E} | which programming languages {s} used at {E}
c: what did {s} program in at {E} | what {s} programmed in at {E}
c: what tools did {s} use at {E} | what tools {s} used at {E}
c: what was the stack at {E} | what the stack at {E} was
q: with which languages did {s} work at {E}?
s: stack at {E}?
s: {E} tech?
s: {E} stack?
s: tech at {E}?
s: technologies at {E}?
""",
    'job.yes': """
q: did {s} work at {E}?
q: did {s} work for {E}?
q: has {s} worked at {E}?
q: has {s} ever worked for {E}?
q: was {s} at {E}?
q: was {s} ever employed by {E}?
q: is it true that {s} worked at {E}?
q: did {s} have a job at {E}?
q: was {E} one of {p} employers?
q: is {E} in the cv?
s: worked at {E}?
s: ever at {E}?
s: {E} employee?
""",
    'job.before': """
n: job before {E}
n: employer before {E}
t: the job before {E}
c: where did {s} work before {E} | where {s} worked before {E}
c: what did {s} do before {E} | what {s} did before {E}
c: who did {s} work for before {E} | who {s} worked for before {E}
c: where was {s} before {s} joined {E} | where {s} was before {s} joined {E}
c: what was {s} before {E} | what {s} was before {E}
q: which company came before {E}?
s: before {E}?
s: job before {E}?
s: prior to {E}?
""",
    'job.after': """
n: job after {E}
n: employer after {E}
t: the job after {E}
c: where did {s} work after {E} | where {s} worked after {E}
c: what did {s} do after {E} | what {s} did after {E}
c: who did {s} work for after {E} | who {s} worked for after {E}
c: where did {s} go after {s} left {E} | where {s} went after {s} left {E}
c: what did {s} become after {E} | what {s} became after {E}
q: which company came after {E}?
s: after {E}?
s: job after {E}?
s: next after {E}?
""",
    'place.job': """
q: has {s} worked in {E}?
q: did {s} work in {E}?
q: did {s} have a job in {E}?
q: was {s} ever working in {E}?
q: has {s} ever been employed in {E}?
q: does {s} have work experience in {E}?
c: what did {s} do in {E} | what {s} did in {E}
c: who did {s} work for in {E} | who {s} worked for in {E}
c: which company did {s} work for in {E} | which company {s} worked for in {E}
n: job in {E}
n: employer in {E}
s: worked in {E}?
s: job in {E}?
s: any work in {E}?
""",
    'year': """
c: what did {s} do in {E} | what {s} did in {E}
c: where was {s} in {E} | where {s} was in {E}
c: where did {s} work in {E} | where {s} worked in {E}
c: who did {s} work for in {E} | who {s} worked for in {E}
c: what was {s} doing in {E} | what {s} was doing in {E}
c: where was {s} employed in {E} | where {s} was employed in {E}
n: job in {E}
n: employer in {E}
q: what happened in {E}?
q: what was {s} up to in {E}?
s: {E}?
s: in {E}?
s: job in {E}?
s: and {E}?
""",
    'school.list': """
n: education
n: academic background
N: studies
N: universities
N: degrees
n: university
n: alma mater
t: the universities {s} went to
c: where did {s} study | where {s} studied
c: what did {s} study | what {s} studied
c: which university did {s} attend | which university {s} attended
c: where did {s} go to university | where {s} went to university
c: where did {s} go to college | where {s} went to college
c: which degrees does {s} have | which degrees {s} has
c: what did {s} learn at university | what {s} learned at university
q: did {s} go to university?
q: did {s} study?
q: is {s} a graduate?
q: tell me about {p} studies
s: uni?
s: university?
s: education?
s: studied?
s: degrees?
s: studied where?
s: schools?
""",
    'degree.highest': """
n: highest degree
n: best degree
n: last degree
n: highest qualification
n: academic title
n: level of education
c: what is the highest degree {s} has | what the highest degree {s} has is
c: which degree did {s} finish with | which degree {s} finished with
q: does {s} have a degree?
q: what degree does {s} have?
s: highest degree?
s: degree?
s: top degree?
""",
    'school.what': """
n: degree from {E}
n: subject at {E}
n: degree at {E}
n: field at {E}
c: what did {s} study at {E} | what {s} studied at {E}
c: what did {s} learn at {E} | what {s} learned at {E}
c: which degree did {s} get at {E} | which degree {s} got at {E}
c: which subject did {s} take at {E} | which subject {s} took at {E}
q: did {s} study at {E}?
q: did {s} go to {E}?
q: was {s} a student at {E}?
q: tell me about {E}
s: {E}?
s: degree from {E}?
s: studies at {E}?
s: subject at {E}?
""",
    'school.when': """
N: years at {E}
N: dates at {E}
c: when did {s} study at {E} | when {s} studied at {E}
c: when did {s} graduate from {E} | when {s} graduated from {E}
c: when was {s} at {E} | when {s} was at {E}
c: when did {s} finish at {E} | when {s} finished at {E}
c: how long did {s} study at {E} | how long {s} studied at {E}
c: when did {s} start at {E} | when {s} started at {E}
s: {E} when?
s: when {E}?
s: years at {E}?
s: graduated from {E} when?
""",
    'school.where': """
c: where is {E} | where {E} is
c: where is {E} located | where {E} is located
c: in which city is {E} | in which city {E} is
c: which city is {E} in | which city {E} is in
c: in which town did {s} study at {E} | in which town {s} studied at {E}
t: the city of {E}
t: the location of {E}
s: {E} where?
s: where {E}?
s: {E} city?
""",
    'school.grade': """
n: grade at {E}
n: result at {E}
n: final grade at {E}
N: marks at {E}
c: how good was {s} at {E} | how good {s} was at {E}
c: how well did {s} do at {E} | how well {s} did at {E}
c: which grade did {s} get at {E} | which grade {s} got at {E}
c: how did {s} finish at {E} | how {s} finished at {E}
q: did {s} get good marks at {E}?
s: grade at {E}?
s: {E} grade?
s: marks at {E}?
""",
    'school.thesis': """
n: thesis at {E}
n: thesis title at {E}
n: final paper at {E}
t: the topic of {p} thesis at {E}
c: what did {s} write the thesis about at {E} | what {s} wrote the thesis about at {E}
c: what was the thesis at {E} about | what the thesis at {E} was about
c: what was the title of the thesis at {E} | what the title of the thesis at {E} was
s: thesis at {E}?
s: {E} thesis?
s: thesis topic at {E}?
""",
    'degree.what': """
n: {E}
n: {E} subject
t: the subject of {p} {E}
c: where did {s} do {p} {E} | where {s} did {p} {E}
c: where did {s} get {p} {E} | where {s} got {p} {E}
c: what is {p} {E} in | what {p} {E} is in
c: in what did {s} do a {E} | in what {s} did a {E}
c: from which university is {p} {E} | from which university {p} {E} is
q: does {s} have a {E}?
q: did {s} do a {E}?
q: tell me about the {E}
s: {E}?
s: {E} where?
s: {E} in what?
""",
    'degree.when': """
c: when did {s} get {p} {E} | when {s} got {p} {E}
c: when did {s} do {p} {E} | when {s} did {p} {E}
c: when did {s} finish {p} {E} | when {s} finished {p} {E}
c: how long did the {E} take | how long the {E} took
c: in which years did {s} do {p} {E} | in which years {s} did {p} {E}
N: years of the {E}
s: {E} when?
s: when {E}?
s: year of {E}?
""",
    'degree.grade': """
n: {E} grade
n: grade in the {E}
c: how good was {p} {E} | how good {p} {E} was
c: which grade did {s} get in {p} {E} | which grade {s} got in {p} {E}
c: what was the result of {p} {E} | what the result of {p} {E} was
s: {E} grade?
s: grade of {E}?
s: {E} marks?
""",
    'degree.thesis': """
n: {E} thesis
n: {E} thesis title
t: the topic of the {E} thesis
c: what was {p} {E} thesis about | what {p} {E} thesis was about
c: what was the title of {p} {E} thesis | what the title of {p} {E} thesis was
c: what did {s} write {p} {E} thesis about | what {s} wrote {p} {E} thesis about
s: {E} thesis?
s: thesis of the {E}?
s: {E} thesis topic?
""",
    'project.list': """
N: projects
N: side projects
N: open source projects
N: own projects
N: personal projects
c: which projects has {s} made | which projects {s} has made
c: what has {s} built in {p} free time | what {s} has built in {p} free time
c: what did {s} publish as open source | what {s} published as open source
q: does {s} have any projects?
q: does {s} do open source?
q: has {s} made anything of {p} own?
q: list {p} projects
s: projects?
s: side projects?
s: open source?
s: portfolio?
""",
    'project.what': """
c: what is {E} | what {E} is
c: what does {E} do | what {E} does
c: what is {E} about | what {E} is about
c: what is {E} for | what {E} is for
q: tell me about {E}
q: tell me more about {E}
q: describe {E}
q: explain {E}
q: can you describe the project {E}?
t: the idea of {E}
s: {E}?
s: {E} project?
s: {E}, what is it?
""",
    'project.when': """
c: when did {s} start {E} | when {s} started {E}
c: when did {s} make {E} | when {s} made {E}
c: when was {E} made | when {E} was made
c: how old is {E} | how old {E} is
c: in which year did {s} build {E} | in which year {s} built {E}
c: from when is {E} | from when {E} is
t: the year of {E}
s: {E} when?
s: when {E}?
s: {E} year?
""",
    'project.tech': """
c: what is {E} built with | what {E} is built with
c: what is {E} written in | what {E} is written in
c: which language is {E} written in | which language {E} is written in
c: which technologies does {E} use | which technologies {E} uses
c: how is {E} made | how {E} is made
t: the tech stack of {E}
t: the language of {E}
q: which stack has {E}?
s: {E} stack?
s: {E} tech?
s: {E} language?
s: {E} built with?
""",
    'project.url': """
c: where can i see {E} | where i can see {E}
c: where can i find {E} | where i can find {E}
c: where is {E} hosted | where {E} is hosted
c: where is the code of {E} | where the code of {E} is
c: where can i try {E} | where i can try {E}
t: the link to {E}
t: the address of {E}
t: the website of {E}
q: can i see {E}?
q: can i try {E}?
s: {E} link?
s: {E} url?
s: {E} website?
s: link to {E}?
""",
    'skill.list': """
N: skills
N: technical skills
n: tech stack
n: skill set
N: competences
N: technologies
c: what can {s} do | what {s} can do
c: which technologies does {s} know | which technologies {s} knows
c: what does {s} work with | what {s} works with
c: which tools does {s} use | which tools {s} uses
c: what skills does {s} have | what skills {s} has
q: list {p} skills
s: skills?
s: tech stack?
s: stack?
s: technologies?
s: tech?
""",
    'skill.best': """
N: strongest skills
N: best skills
N: top skills
N: main skills
N: strong points in technology
c: what is {s} best at | what {s} is best at
c: what is {s} really good at | what {s} is really good at
c: what is {s} an expert in | what {s} is an expert in
c: what does {s} know best | what {s} knows best
c: which skill is {p} strongest | which skill is {p} strongest
q: where is {s} strongest?
s: best skills?
s: expert in?
s: strongest skill?
s: top skills?
""",
    'skill.category': """
N: skills in {E}
n: experience with {E} in general
n: knowledge of {E}
c: which {E} does {s} know | which {E} {s} knows
c: what {E} can {s} use | what {E} {s} can use
c: what does {s} know about {E} | what {s} knows about {E}
c: which skills does {s} have in {E} | which skills {s} has in {E}
q: tell me about {p} {E} skills
q: list the {E}
s: {E}?
s: {E} skills?
s: skills in {E}?
""",
    'skill.know': """
q: does {s} know {E}?
q: can {s} do {E}?
q: does {s} have experience with {E}?
q: has {s} used {E}?
q: has {s} ever worked with {E}?
q: can {s} work with {E}?
q: does {s} use {E}?
q: is {s} familiar with {E}?
q: does {s} understand {E}?
q: is {E} one of {p} skills?
q: any experience with {E}?
q: do you know {E}?
q: is {s} good at {E}?
q: does the cv mention {E}?
s: {E}?
s: knows {E}?
s: what about {E}?
s: {E} experience?
s: {E} skills?
""",
    'skill.years': """
N: years of {E}
N: years of experience with {E}
c: how long has {s} used {E} | how long {s} has used {E}
c: how many years of {E} does {s} have | how many years of {E} {s} has
c: how much experience does {s} have with {E} | how much experience {s} has with {E}
c: how many years has {s} worked with {E} | how many years {s} has worked with {E}
c: for how long has {s} been doing {E} | for how long {s} has been doing {E}
c: how long does {s} know {E} | how long {s} knows {E}
s: years of {E}?
s: how long {E}?
s: how many years {E}?
s: {E} for how long?
""",
    'skill.level': """
n: level in {E}
n: {E} level
n: proficiency in {E}
t: the level of {p} {E}
c: how good is {s} at {E} | how good {s} is at {E}
c: how good is {s} in {E} | how good {s} is in {E}
c: how well does {s} know {E} | how well {s} knows {E}
c: how skilled is {s} in {E} | how skilled {s} is in {E}
c: what is {p} level in {E} | what {p} level in {E} is
q: is {s} an expert in {E}?
s: {E} level?
s: level of {E}?
s: how good {E}?
""",
    'tech.where': """
c: where did {s} use {E} | where {s} used {E}
c: where has {s} used {E} | where {s} has used {E}
c: where did {s} work with {E} | where {s} worked with {E}
c: in which jobs did {s} use {E} | in which jobs {s} used {E}
c: in which projects did {s} use {E} | in which projects {s} used {E}
c: for what did {s} use {E} | for what {s} used {E}
c: where did {s} learn {E} | where {s} learned {E}
q: at which company did {s} use {E}?
s: {E} where?
s: used {E} where?
s: where {E}?
""",
    'certificate.list': """
N: certificates
N: certifications
N: professional certificates
N: diplomas
c: which certificates does {s} have | which certificates {s} has
c: what is {s} certified in | what {s} is certified in
q: does {s} have any certificates?
q: is {s} certified?
q: any certifications?
s: certificates?
s: certs?
s: certified?
s: certifications?
""",
    'certificate.when': """
c: when did {s} become {E} | when {s} became {E}
c: when did {s} get the certificate {E} | when {s} got the certificate {E}
c: when was {s} certified as {E} | when {s} was certified as {E}
c: since when is {s} {E} | since when {s} is {E}
q: is {s} a {E}?
t: the year of the certificate {E}
s: {E} when?
s: {E} year?
s: {E}?
""",
    'certificate.issuer': """
c: who issued {E} | who issued {E}
c: who issued the certificate {E} | who issued the certificate {E}
c: who gave {o} the certificate {E} | who gave {o} the certificate {E}
c: from whom is the certificate {E} | from whom the certificate {E} is
c: which body certified {o} as {E} | which body certified {o} as {E}
t: the issuer of {E}
s: {E} issuer?
s: {E} by whom?
s: {E} from whom?
""",
    'talk.list': """
N: talks
N: conference talks
N: presentations
N: speeches
c: which talks has {s} given | which talks {s} has given
c: at which conferences has {s} spoken | at which conferences {s} has spoken
c: what did {s} talk about at conferences | what {s} talked about at conferences
q: has {s} given any talks?
q: is {s} a speaker?
q: does {s} speak at conferences?
s: talks?
s: conferences?
s: presentations?
s: public speaking?
""",
    'talk.where': """
c: where did {s} give the talk {E} | where {s} gave the talk {E}
c: where did {s} present {E} | where {s} presented {E}
c: at which conference was {E} | at which conference {E} was
c: at which event did {s} give {E} | at which event {s} gave {E}
t: the place of the talk {E}
q: tell me about the talk {E}
s: {E} where?
s: where {E}?
s: {E} event?
""",
    'talk.when': """
c: when did {s} give the talk {E} | when {s} gave the talk {E}
c: when did {s} present {E} | when {s} presented {E}
c: when was the talk {E} | when the talk {E} was
c: in which year did {s} give {E} | in which year {s} gave {E}
t: the year of the talk {E}
s: {E} when?
s: when {E}?
s: {E} year?
""",
    'talk.event': """
n: talk at {E}
n: topic at {E}
c: what did {s} talk about at {E} | what {s} talked about at {E}
c: what did {s} present at {E} | what {s} presented at {E}
c: which talk did {s} give at {E} | which talk {s} gave at {E}
c: when did {s} speak at {E} | when {s} spoke at {E}
q: did {s} speak at {E}?
q: was {s} at {E}?
s: {E}?
s: talk at {E}?
s: {E} talk?
""",
    'publication.list': """
N: publications
N: papers
N: articles
N: scientific papers
c: what has {s} published | what {s} has published
c: which papers did {s} write | which papers {s} wrote
c: which articles has {s} written | which articles {s} has written
q: has {s} published anything?
q: did {s} write any papers?
q: any publications?
s: publications?
s: papers?
s: published?
s: articles?
""",
    'publication.where': """
c: where was {E} published | where {E} was published
c: where did {E} appear | where {E} appeared
c: which journal published {E} | which journal published {E}
c: in which journal is {E} | in which journal {E} is
t: the journal of {E}
q: tell me about the paper {E}
s: {E} where?
s: {E} journal?
s: where {E}?
""",
    'publication.when': """
c: when was {E} published | when {E} was published
c: when did {E} appear | when {E} appeared
c: when did {s} write the paper {E} | when {s} wrote the paper {E}
c: in which year was {E} published | in which year {E} was published
t: the year of the paper {E}
s: {E} when?
s: when {E}?
s: {E} year?
""",
    'award.list': """
N: awards
N: prizes
N: honours
N: distinctions
c: which awards has {s} won | which awards {s} has won
c: which prizes did {s} get | which prizes {s} got
c: what has {s} won | what {s} has won
q: has {s} won any awards?
q: did {s} win a prize?
q: any awards?
s: awards?
s: prizes?
s: honors?
s: won anything?
""",
    'award.when': """
c: when did {s} win {E} | when {s} won {E}
c: when did {s} get the {E} award | when {s} got the {E} award
c: when was {s} {E} | when {s} was {E}
c: in which year did {s} receive {E} | in which year {s} received {E}
t: the year of the award {E}
s: {E} when?
s: {E} year?
s: when {E}?
""",
    'award.issuer': """
c: who gave {o} the {E} award | who gave {o} the {E} award
c: who awarded {E} | who awarded {E}
c: from whom did {s} get {E} | from whom {s} got {E}
c: which organisation gave {o} {E} | which organisation gave {o} {E}
t: the giver of the award {E}
s: {E} by whom?
s: {E} from whom?
s: who gave {E}?
""",
    'volunteering.list': """
n: volunteering
n: volunteer work
n: social engagement
n: unpaid work
n: charity work
c: where does {s} volunteer | where {s} volunteers
c: what does {s} do for the community | what {s} does for the community
c: which organisations does {s} help | which organisations {s} helps
q: does {s} volunteer?
q: does {s} do any volunteering?
q: does {s} help others in {p} free time?
s: volunteering?
s: volunteer work?
s: charity?
s: volunteer?
""",
    'volunteering.what': """
c: what did {s} do at {E} | what {s} did at {E}
c: what does {s} do at {E} | what {s} does at {E}
c: how does {s} help at {E} | how {s} helps at {E}
N: tasks at {E}
n: work at {E}
q: tell me about {E}
q: tell me more about {E}
s: {E}?
s: what about {E}?
s: work at {E}?
""",
    'volunteering.role': """
n: role at {E}
n: position at {E}
c: which role did {s} have at {E} | which role {s} had at {E}
c: as what did {s} work at {E} | as what {s} worked at {E}
c: what was {s} at {E} | what {s} was at {E}
s: role at {E}?
s: {E} role?
s: {E}, as what?
""",
    'volunteering.when': """
N: dates at {E}
N: years at {E}
c: when was {s} at {E} | when {s} was at {E}
c: when did {s} volunteer at {E} | when {s} volunteered at {E}
c: since when has {s} been at {E} | since when {s} has been at {E}
c: how long did {s} help at {E} | how long {s} helped at {E}
c: when did {s} start at {E} | when {s} started at {E}
s: {E} when?
s: when {E}?
s: how long at {E}?
""",
    'volunteering.where': """
c: where is {E} | where {E} is
c: where is {E} based | where {E} is based
c: in which city is {E} | in which city {E} is
c: which city is {E} in | which city {E} is in
t: the city of {E}
t: the location of {E}
s: {E} where?
s: {E} city?
s: where {E}?
""",
    'hobbies': """
N: hobbies
N: interests
N: free time activities
N: pastimes
N: private interests
c: what does {s} do in {p} free time | what {s} does in {p} free time
c: what does {s} like to do after work | what {s} likes to do after work
c: what does {s} do for fun | what {s} does for fun
c: what does {s} enjoy | what {s} enjoys
c: what does {s} do at the weekend | what {s} does at the weekend
q: does {s} have hobbies?
q: does {s} do any sports?
q: does {s} play an instrument?
s: hobbies?
s: interests?
s: hobby?
s: free time?
s: for fun?
""",
    'available': """
n: availability
n: earliest start date
n: start date
n: first possible day
c: when can {s} start | when {s} can start
c: when is {s} available | when {s} is available
c: from when is {s} available | from when {s} is available
c: how soon can {s} start | how soon {s} can start
c: when could {s} join us | when {s} could join us
q: is {s} available?
q: is {s} free?
q: is {s} looking for a job?
s: available?
s: availability?
s: start date?
s: available when?
s: can start when?
""",
    'notice': """
n: notice period
n: period of notice
n: notice
c: how long is {p} notice period | how long {p} notice period is
c: how much notice must {s} give | how much notice {s} must give
c: how much notice does {s} need | how much notice {s} needs
q: does {s} have a notice period?
s: notice period?
s: notice?
s: how much notice?
""",
    'workload': """
n: workload
n: desired workload
n: preferred workload
N: working hours
c: how much does {s} want to work | how much {s} wants to work
c: how many hours does {s} want to work | how many hours {s} wants to work
q: does {s} want to work full time?
q: does {s} want to work part time?
q: full time or part time?
s: workload?
s: full time?
s: part time?
s: hours?
""",
    'roles': """
n: desired role
n: desired position
n: dream job
n: next role
n: next job
t: the role {s} wants
c: what kind of job is {s} looking for | what kind of job {s} is looking for
c: which role does {s} want | which role {s} wants
c: what does {s} want to do next | what {s} wants to do next
c: what position is {s} interested in | what position {s} is interested in
q: what is {s} looking for?
s: desired role?
s: looking for?
s: wanted role?
s: next role?
""",
    'workMode': """
n: preferred way of working
n: work mode
c: how does {s} like to work | how {s} likes to work
c: where does {s} prefer to work | where {s} prefers to work
q: does {s} want to work remotely?
q: does {s} work remotely?
q: can {s} work from home?
q: would {s} come to the office?
q: remote or office?
q: is {s} ok with hybrid work?
s: remote?
s: hybrid?
s: office?
s: home office?
s: remote ok?
""",
    'relocation': """
n: willingness to relocate
n: willingness to move
c: how does {s} feel about moving | how {s} feels about moving
q: would {s} relocate?
q: would {s} move for a job?
q: is {s} willing to relocate?
q: is {s} ready to move?
q: can {s} move to another country?
q: does {s} want to move?
s: relocation?
s: relocate?
s: willing to move?
s: moving ok?
""",
    'travel': """
n: willingness to travel
n: attitude to business trips
c: how much would {s} travel | how much {s} would travel
c: how often can {s} travel for work | how often {s} can travel for work
q: does {s} travel for work?
q: is {s} willing to travel?
q: is {s} ok with business trips?
q: would {s} visit customers?
s: travel?
s: business trips?
s: travelling ok?
s: trips?
""",
    'teamSize': """
n: preferred team size
n: ideal team size
n: favourite team size
c: how big should {p} team be | how big {p} team should be
c: what size of team does {s} like | what size of team {s} likes
c: in what kind of team does {s} like to work | in what kind of team {s} likes to work
q: does {s} like big teams?
q: does {s} like small teams?
s: team size?
s: size of team?
s: team?
""",
    'industries': """
N: favourite industries
N: preferred industries
N: target sectors
n: field of interest
c: which industries is {s} interested in | which industries {s} is interested in
c: which industry does {s} want to work in | which industry {s} wants to work in
c: in which sectors does {s} want to work | in which sectors {s} wants to work
c: which fields interest {o} | which fields interest {o}
s: industries?
s: industry?
s: sectors?
s: which sector?
""",
    'workPermit': """
n: work permit
n: citizenship
n: nationality
n: right to work
n: passport
n: visa status
c: where may {s} work | where {s} may work
c: which citizenship does {s} have | which citizenship {s} has
c: where is {s} a citizen | where {s} is a citizen
q: does {s} need a visa?
q: does {s} have a work permit?
q: is {s} allowed to work in europe?
q: would we need to sponsor a visa?
s: visa?
s: work permit?
s: nationality?
s: citizen of?
s: permit?
""",
    'references': """
N: references
N: referees
N: recommendations
c: who can recommend {o} | who can recommend {o}
q: does {s} have references?
q: can i get references?
q: can i see references?
q: can i talk to former colleagues of {o}?
s: references?
s: reference?
s: recommendation letters?
""",
    'follow.before': """
q: and before that?
q: before that?
q: what came before that?
q: and what did {s} do before that?
q: what did {s} do before?
q: where was {s} before that?
q: and previously?
q: what was the job before that?
q: and the one before?
q: who did {s} work for before that?
s: before?
s: and earlier?
s: prior to that?
s: the one before that?
""",
    'follow.after': """
q: and after that?
q: after that?
q: what came after that?
q: and what did {s} do after that?
q: where did {s} go next?
q: what was next?
q: and then?
q: what did {s} do afterwards?
q: and the job after that?
s: next?
s: and later?
s: the one after that?
s: afterwards?
""",
}

WORDINGS['follow.nothing_before'] = WORDINGS['follow.before']
WORDINGS['follow.nothing_after'] = WORDINGS['follow.after']

# Follow-ups: the last answer named the thing asked about. Attribute → wordings; facts.Fact kinds end in the attribute.
FOLLOW = {
    'when': """
q: when was that?
q: when?
q: and when?
q: since when?
q: from when to when?
q: in which years?
q: how long was {s} there?
q: what year was that?
q: when did that happen?
q: when did {s} do that?
s: dates?
s: which year?
s: year?
""",
    'where': """
q: where was that?
q: where?
q: and where?
q: in which city?
q: where is that?
q: in what place?
q: which city was that in?
q: where did that happen?
s: place?
s: city?
s: what city?
""",
    'what': """
q: what did {s} do there?
q: what was that about?
q: what did {s} work on there?
q: what exactly did {s} do?
q: tell me more
q: tell me more about it
q: can you say more about that?
q: what is it about?
q: more details?
s: more?
s: details?
s: go on
""",
    'role': """
q: as what?
q: what was {p} role there?
q: in which position?
q: which role did {s} have there?
q: what was {p} title there?
q: and {p} position there?
s: role?
s: role there?
s: which position?
""",
    'achieve': """
q: what did {s} achieve there?
q: and what did {s} achieve?
q: any achievements there?
q: what were the results?
q: was {s} successful there?
q: what impact did {s} have there?
q: what did {s} accomplish there?
s: results?
s: impact?
s: achievements there?
""",
    'tech': """
q: with which technologies?
q: what technologies did {s} use there?
q: which languages did {s} use there?
q: what is it built with?
q: what was the stack there?
q: what is it written in?
q: what did {s} use for that?
q: with what tools?
s: stack?
s: tech there?
s: which tech?
s: what stack?
""",
    'url': """
q: where can i see it?
q: where can i find it?
q: can i try it?
q: is there a link?
q: do you have a link?
q: what is its address?
s: link?
s: url?
s: web address?
""",
    'issuer': """
q: who gave it?
q: who issued it?
q: from whom?
q: who awarded that?
q: by whom?
s: issuer?
s: from who?
""",
    'grade': """
q: with which grade?
q: how well did {s} do there?
q: what was the grade?
q: did {s} do well there?
q: how good were the marks?
s: grade?
s: marks?
s: result?
""",
    'thesis': """
q: what was the thesis about?
q: what was {p} thesis?
q: and the thesis?
q: what did {s} write the thesis about?
q: what was the topic of the thesis?
s: thesis?
s: thesis topic?
""",
    'years': """
q: for how long?
q: how long?
q: how many years?
q: and for how many years?
q: how long has {s} used it?
s: years?
s: how many years of that?
""",
    'level': """
q: how good is {s} at it?
q: how well?
q: at what level?
q: how good?
q: is {s} good at it?
s: level?
s: proficiency?
""",
    # The same question about another thing of the same sort: {E} is the other one.
    'other': """
q: and at {E}?
q: what about {E}?
q: how about {E}?
q: and {E}?
q: same question for {E}
q: and for {E}?
q: and with {E}?
s: {E} too?
s: also {E}?
""",
}


def cores(text):
    return [line for line in text.strip().split('\n') if line]
