# `make` lists the targets. Settings and options go on the command line: make up RATE=500, make replay FROM=2026-03-01 DRY_RUN=1
override IN_VENV := .venv/bin

# What make's command line sets goes through the environment as it is: neither make nor a shell expands it. `weblake` takes
# from it what is an option of the command: --dry-run is DRY_RUN=. Other variables of the environment are no options.
# So a recipe never says $(NAME) of what somebody may set, but "$$NAME", and ARGS is split by Python.
override GIVEN := $(strip $(foreach name,$(.VARIABLES),$(if $(filter command,$(origin $(name))),$(name))))
$(foreach name,$(GIVEN),$(eval override $(name) := $$(value $(name)))$(eval export $(name)))
override export WEBLAKE_MAKE_VARIABLES := $(GIVEN)
# What these call are no commands with options of their own.
install setup lint test coverage test-fast faults bench bench-scale bench-agents bot-eval alert-eval: override export WEBLAKE_MAKE_VARIABLES :=

override WITH_ARGS = $(IN_VENV)/python -m weblake.make "$$ARGS"

# Python keeps what it compiles. Otherwise each program compiles its libraries at every start, for nobody else does.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help install setup up down status rejected logs service clean migrate sql connect sandbox superset prometheus generate import formats rules classify dbt dbt-test \
	dbt-docs charts contracts explain convict pardon release verdicts blocklist alerts silence \
	alert-test verify replay replays maintain erase rebuild accept-loss \
	accept-topic run test coverage test-fast faults lint lint-python lint-dbt bench bench-scale bench-agents bot-eval alert-eval

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

install:
	@"$${PYTHON:-python3}" stack/setup/prerequisites.py
	@"$${PYTHON:-python3}" stack/setup/install.py

setup: install  ## install the pinned libraries and jars (`make up`, `make test` and the like do it first)
	@WEBLAKE_MAKE_VARIABLES= $(IN_VENV)/weblake setup

$(IN_VENV)/weblake:
	@echo "Weblake is not installed yet; run: make setup"; exit 1

up: setup  ## start everything; GENERATE=0 for no made-up traffic, RATE=50, BOTS=0.2, STACK=docker
	@$(IN_VENV)/weblake up

down: | $(IN_VENV)/weblake  ## stop everything; the data stays
	@$(IN_VENV)/weblake down

status: | $(IN_VENV)/weblake  ## processes, lags, ages, sizes; fails unless all is well; JSON=1, or SINCE=2h for the states since
	@$(IN_VENV)/weblake status

rejected: | $(IN_VENV)/weblake  ## list the newest records that count nowhere, and why; LIMIT=20 REASON=not_json WHOLE=1 JSON=1
	@$(IN_VENV)/weblake rejected

logs: | $(IN_VENV)/weblake  ## follow the logs; NAME=stream for one
	@$(IN_VENV)/weblake logs

service: | $(IN_VENV)/weblake  ## units for systemd: start at boot, checks, WEBHOOK=url MAIL=address; SYSTEM=1 PRINT=1 REMOVE=1 CRON=1
	@$(IN_VENV)/weblake service

clean: | $(IN_VENV)/weblake  ## delete all data and charts; it asks first, unless FORCE=1
	@$(IN_VENV)/weblake clean

migrate: | $(IN_VENV)/weblake  ## create topic, roles and schemas on servers of your own
	@$(IN_VENV)/weblake migrate

sql: | $(IN_VENV)/weblake  ## psql as the analyst, for you alone; Q="select ..." prints one answer, FORMAT=csv as CSV
	@$(IN_VENV)/weblake sql

connect: | $(IN_VENV)/weblake  ## addresses of the marts for psql, SQLAlchemy, JDBC, pandas; NAME=analyst PASSWORD=1 JSON=1
	@$(IN_VENV)/weblake connect

superset: | $(IN_VENV)/weblake  ## a dashboard of the marts in Apache Superset, which it installs first; PORT=8088
	@$(IN_VENV)/weblake superset

prometheus: | $(IN_VENV)/weblake  ## run Prometheus, which you have installed, with rules for this stack; PORT=9090
	@$(IN_VENV)/weblake prometheus

sandbox: | $(IN_VENV)/weblake  ## a login with a schema of its own; NAME=maria SECONDS=60 CONNECTIONS=5, DROP=1, or SOURCES=1
	@$(IN_VENV)/weblake sandbox

run: | $(IN_VENV)/weblake  ## run one program of the stack in the foreground; NAME=stream ONCE=1
	@$(IN_VENV)/weblake run

generate: | $(IN_VENV)/weblake  ## send made-up events; RATE=500 SECONDS=60 SEED=7 FORMAT=log
	@$(IN_VENV)/weblake generate

import: | $(IN_VENV)/weblake  ## send access logs, also packed; FILE="access.log access.log.*.gz" FOLLOW=1 SOURCE=web1 LOG_FORMAT= WAIT=0 REJECT_SHARE=0.05 AGAIN=1
	@$(IN_VENV)/weblake import

formats: | $(IN_VENV)/weblake  ## show how the lines of a log would be read, before you send it; FILE=access.log LOG_FORMAT='$$remote_addr …' JSON=1
	@$(IN_VENV)/weblake formats

rules: | $(IN_VENV)/weblake  ## show which URL rules catch how much of a log, and what none does; FILE=access.log SHOP=magento LOG_FORMAT= LIMIT=20 JSON=1
	@$(IN_VENV)/weblake rules

classify: | $(IN_VENV)/weblake  ## say what user agents are: crawlers, tools or people; FILE=agents.txt, one per line, or FILE=-
	@$(IN_VENV)/weblake classify

dbt: | $(IN_VENV)/weblake  ## bring the marts up to date; FULL_REFRESH=1 from the start
	@$(IN_VENV)/weblake dbt

dbt-test: | $(IN_VENV)/weblake  ## test the marts
	@$(IN_VENV)/weblake dbt-test

dbt-docs: | $(IN_VENV)/weblake  ## write the description of the marts
	@$(IN_VENV)/weblake dbt-docs

charts: | $(IN_VENV)/weblake  ## draw the charts
	@$(IN_VENV)/weblake charts

contracts: | $(IN_VENV)/weblake  ## write what dbt takes from the contract; CHECK=1 only says what is stale
	@$(IN_VENV)/weblake contracts

explain: | $(IN_VENV)/weblake  ## say why a client counts as a bot, or why not, with its log lines; IP=203.0.113.7 LINES=20
	@$(IN_VENV)/weblake explain

convict: | $(IN_VENV)/weblake  ## count a client among the bots; IP=203.0.113.7 REASON="..." DRY_RUN=1 only shows what would move
	@$(IN_VENV)/weblake convict

pardon: | $(IN_VENV)/weblake  ## count a client among people, whatever the evidence; IP= REASON=
	@$(IN_VENV)/weblake pardon

release: | $(IN_VENV)/weblake  ## take back a verdict by hand; IP= REASON=
	@$(IN_VENV)/weblake release

verdicts: | $(IN_VENV)/weblake  ## list the verdicts; JSON=1
	@$(IN_VENV)/weblake verdicts

blocklist: | $(IN_VENV)/weblake  ## print the convicted addresses for a server to block; FORMAT=nginx|ipset|csv
	@$(IN_VENV)/weblake blocklist

alerts: | $(IN_VENV)/weblake  ## list the alerts that are open, and those of the last days; JSON=1
	@$(IN_VENV)/weblake alerts

silence: | $(IN_VENV)/weblake  ## have nobody told of a rule's alerts for a while; RULE=bot_surge FOR=2h
	@$(IN_VENV)/weblake silence

alert-test: | $(IN_VENV)/weblake  ## try a rule of the alerts over the past; RULE=silence FROM=7d TO=, or check all
	@$(IN_VENV)/weblake alert-test

verify: | $(IN_VENV)/weblake  ## compare each stage with the one before; DEEP=1 from the raw bytes, FROM=2026-01-31T12:00Z TO=
	@$(IN_VENV)/weblake verify

replay: | $(IN_VENV)/weblake  ## count a range again and append the difference; FROM= TO= DRY_RUN=1 CLIENT=, or UNDO=id
	@$(IN_VENV)/weblake replay

replays: | $(IN_VENV)/weblake  ## list the replays; JSON=1
	@$(IN_VENV)/weblake replays

maintain: | $(IN_VENV)/weblake  ## merge small files, squash old days, delete what nobody needs; it shows the sizes
	@$(IN_VENV)/weblake maintain

erase: | $(IN_VENV)/weblake  ## erase a client from everything; IP=203.0.113.7 REASON="asked for"
	@$(IN_VENV)/weblake erase

rebuild: | $(IN_VENV)/weblake  ## count a deleted ledger again from bronze, and bring it to PostgreSQL
	@$(IN_VENV)/weblake rebuild

accept-loss: | $(IN_VENV)/weblake  ## go on without the records that Kafka removed before bronze had them
	@$(IN_VENV)/weblake accept-loss

accept-topic: | $(IN_VENV)/weblake  ## go on with a topic that was deleted and made again; what bronze has stays
	@$(IN_VENV)/weblake accept-topic

# Java lives for a minute in a test, in which the costly second compilation does not pay.
test coverage test-fast faults: export SPARK_SUBMIT_OPTS ?= -XX:TieredStopAtLevel=1

test: setup  ## all tests, in two processes, each with a real broker and database of its own
	@$(WITH_ARGS) pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder

coverage: setup  ## all tests, and then which lines they reach; not those that only a program of its own runs
	@$(WITH_ARGS) pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder --cov --cov-report=term

test-fast: setup  ## only the tests that start no broker and no database
	@$(WITH_ARGS) pytest -m "not stack and not faults"

faults: setup  ## break it in every way, and prove that nothing is lost or doubled; CASE=kill SEED=7 MOMENTS=5
	@$(WITH_ARGS) pytest -m faults --timeout 1200 --numprocesses 2 --dist worksteal \
		$${CASE:+-k "$$CASE"} $${SEED:+--seed "$$SEED"} $${MOMENTS:+--moments "$$MOMENTS"}

lint: install  ## ruff, mypy, sqlfluff, import-linter, vulture, dbt-score, and whether generated files are current
	@$(MAKE) --no-print-directory $(if $(filter --jobserver%,$(MAKEFLAGS)),,--jobs 2) lint-python lint-dbt

lint-python: | $(IN_VENV)/weblake
	$(IN_VENV)/ruff check
	$(IN_VENV)/ruff format --check
	$(IN_VENV)/mypy
	$(IN_VENV)/lint-imports --no-cache --no-logo
	$(IN_VENV)/vulture
	WEBLAKE_MAKE_VARIABLES= $(IN_VENV)/weblake contracts --check

lint-dbt: | $(IN_VENV)/weblake
	$(IN_VENV)/sqlfluff lint dbt
	$(IN_VENV)/dbt --quiet --log-level-file none parse --project-dir dbt --profiles-dir dbt
	$(IN_VENV)/dbt-score lint --manifest dbt/target/manifest.json --show failing-items --fail-any-item-under 0 --fail-project-under 9.5

bench: setup  ## throughput, freshness, a replay, idle cost; EVENTS=5000000
	@$(IN_VENV)/python -m bench --events "$${EVENTS:-5000000}"

bench-scale: setup  ## what grows with history: SIZES="1000000 10000000"
	@set -f; $(IN_VENV)/python -m bench.scale --events $${SIZES:-1000000 10000000}

bench-agents: setup  ## compare lists of bots' user agents; ARGS="--bots more.txt --browsers more.txt --log access.log"
	@$(WITH_ARGS) bench.bots.agents

bot-eval: setup  ## judge the detector of bots by labelled traffic; SEED="21 22", ARGS="--rate 20 --format json"
	@set -f; $(WITH_ARGS) bench.bots.evaluate $${SEED:+--seed $$SEED}

alert-eval: setup  ## judge the alerts by weeks of labelled traffic; SEED="21 22", ARGS="--rate 10 --weeks 8"
	@set -f; $(WITH_ARGS) bench.alerts.evaluate $${SEED:+--seed $$SEED}
