# `make` lists the targets. Settings go on the command line: make up RATE=500
PYTHON ?= python3
STACK ?= embedded
IN_VENV := .venv/bin
EVENTS ?= 5000000
SIZES ?= 1000000 10000000

# Handed over by the environment, and not expanded by make, so that quotes, dollars and line breaks survive.
override Q := $(value Q)
override FROM := $(value FROM)
override TO := $(value TO)
export FORMAT Q NAME FORCE FROM TO DEEP OFFLINE DRY_RUN CLIENT UNDO CASE SEED IP REASON

STACK_COMMAND := $(IN_VENV)/python -m stack --stack $(STACK)

.DEFAULT_GOAL := help
.PHONY: help setup up down status logs generate import classify dbt dbt-test dbt-docs charts sql verify replay replays maintain erase rebuild accept-loss accept-topic test test-fast faults lint bench bench-scale bench-agents bot-eval clean convict pardon release verdicts explain blocklist

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup:  ## install the pinned libraries and jars (the other targets do it when it is needed)
	@$(PYTHON) stack/setup/prerequisites.py
	@$(PYTHON) stack/setup/install.py
	@$(IN_VENV)/python -m stack setup

$(IN_VENV)/python:
	@echo "Weblake is not installed yet; run: make setup"; exit 1

up: setup  ## start everything; GENERATE=0 without made-up traffic, RATE=50, BOTS=0.2, STACK=docker
	@$(STACK_COMMAND) up

down: | $(IN_VENV)/python  ## stop everything; the data stays
	@$(STACK_COMMAND) down

status: | $(IN_VENV)/python  ## processes, lags, versions, sizes; fails when something is down or stale
	@$(STACK_COMMAND) status

logs: | $(IN_VENV)/python  ## follow the logs; NAME=stream for one
	@$(STACK_COMMAND) logs $${NAME:+"$$NAME"}

generate: | $(IN_VENV)/python  ## send made-up events; ARGS="--rate 500 --seconds 60 --seed 7"
	@$(IN_VENV)/python -m ingest generate $(ARGS)

import: | $(IN_VENV)/python  ## send access logs, plain or gzipped; FILE="access.log access.log.1.gz"
	@$(IN_VENV)/python -m ingest import $(FILE)

classify: | $(IN_VENV)/python  ## say what user agents are, crawlers, tools or people; FILE=agents.txt, one a line, or FILE=-
	@$(IN_VENV)/python -m spark.commands.classify "$$FILE"

dbt: | $(IN_VENV)/python  ## bring the marts up to date
	@$(IN_VENV)/python -m marts.build --once

dbt-test: | $(IN_VENV)/python  ## test the marts
	@$(IN_VENV)/python -m marts.build --test

dbt-docs: | $(IN_VENV)/python  ## write the description of the marts
	@$(IN_VENV)/python -m marts.build --docs

charts: | $(IN_VENV)/python  ## draw the charts
	@$(IN_VENV)/python -m viz

sql: | $(IN_VENV)/python  ## psql as the analyst; Q="select ..." prints one answer
	@$(STACK_COMMAND) sql $${Q:+--query "$$Q"}

replay: | $(IN_VENV)/python  ## count a range anew and append the difference; FROM= TO= DRY_RUN=1 CLIENT=, or UNDO=id
	@$(IN_VENV)/python -m spark.commands.replay $${FROM:+--from "$$FROM"} $${TO:+--to "$$TO"} \
		$${CLIENT:+--client "$$CLIENT"} $${UNDO:+--undo "$$UNDO"} $$([ "$$DRY_RUN" != 1 ] || echo --dry-run)

replays: | $(IN_VENV)/python  ## list the replays
	@$(IN_VENV)/python -m spark.commands.replay --list

maintain: | $(IN_VENV)/python  ## merge small files, squash old days, delete what nobody needs; sizes before and after
	@$(IN_VENV)/python -m spark.commands.maintain

erase: | $(IN_VENV)/python  ## erase a client from everything; IP=203.0.113.7 REASON="asked for"
	@$(STACK_COMMAND) erase --ip "$$IP" --reason "$$REASON"

convict: | $(IN_VENV)/python  ## count a client among the bots; IP=203.0.113.7 REASON="..." DRY_RUN=1 only tells what would move
	@$(IN_VENV)/python -m spark.commands.decide $@ --ip "$$IP" --reason "$$REASON" $$([ "$$DRY_RUN" != 1 ] || echo --dry-run)

pardon: | $(IN_VENV)/python  ## count a client among people, whatever speaks against it; IP= REASON=
	@$(IN_VENV)/python -m spark.commands.decide $@ --ip "$$IP" --reason "$$REASON" $$([ "$$DRY_RUN" != 1 ] || echo --dry-run)

release: | $(IN_VENV)/python  ## leave a client to its evidence again; IP= REASON=
	@$(IN_VENV)/python -m spark.commands.decide $@ --ip "$$IP" --reason "$$REASON" $$([ "$$DRY_RUN" != 1 ] || echo --dry-run)

verdicts: | $(IN_VENV)/python  ## list the verdicts
	@$(IN_VENV)/python -m spark.commands.decide list

explain: | $(IN_VENV)/python  ## why a client is taken for a bot, with its log lines; IP=203.0.113.7
	@$(IN_VENV)/python -m audit.explain --ip "$$IP"

blocklist: | $(IN_VENV)/python  ## the convicted addresses; FORMAT=nginx|ipset|csv
	@$(IN_VENV)/python -m marts.blocklist --format "$${FORMAT:-nginx}"

rebuild: | $(IN_VENV)/python  ## count a deleted ledger anew from bronze, and bring it to PostgreSQL
	@$(IN_VENV)/python -m spark --rebuild

accept-loss: | $(IN_VENV)/python  ## go on without the records that Kafka removed before bronze had them
	@$(IN_VENV)/python -m spark.commands.accept loss

accept-topic: | $(IN_VENV)/python  ## go on with a topic that was made anew; what bronze has stays
	@$(IN_VENV)/python -m spark.commands.accept topic

verify: | $(IN_VENV)/python  ## check each stage against the one before; DEEP=1 from the raw bytes, FROM=2026-01-31T12:00Z TO=
	@$(IN_VENV)/python -m audit verify $${FROM:+--from "$$FROM"} $${TO:+--to "$$TO"} $$([ "$${DEEP:-0}" = 0 ] || echo --deep) \
		$$([ "$${OFFLINE:-0}" = 0 ] || echo --offline)

# Java lives for a minute in a test, in which the costly second compilation does not pay.
test test-fast faults: export SPARK_SUBMIT_OPTS ?= -XX:TieredStopAtLevel=1

test: setup  ## all tests, in two processes, each with a real broker and database of its own
	@$(IN_VENV)/python -m pytest --numprocesses 2 --dist loadfile $(ARGS)

test-fast: setup  ## only the tests that start no broker and no database
	@$(IN_VENV)/python -m pytest -m "not stack and not faults" $(ARGS)

faults: setup  ## break it in every way, and prove that nothing is lost or doubled; CASE=kill SEED=7
	@$(IN_VENV)/python -m pytest -m faults --timeout 1200 --numprocesses 2 --dist worksteal \
		$${CASE:+-k "$$CASE"} $${SEED:+--seed "$$SEED"} $(ARGS)

lint: setup  ## ruff, mypy, sqlfluff
	$(IN_VENV)/ruff check
	$(IN_VENV)/ruff format --check
	$(IN_VENV)/mypy
	$(IN_VENV)/sqlfluff lint dbt

bench: setup  ## throughput, freshness, a replay, idle cost; EVENTS=5000000
	@$(IN_VENV)/python -m bench --events $(EVENTS)

bench-scale: setup  ## what grows with history: SIZES="1000000 10000000"
	@$(IN_VENV)/python -m bench.scale --events $(SIZES)

bench-agents: setup  ## compare lists of bots' user agents; ARGS="--bots more.txt --browsers more.txt --log access.log"
	@$(IN_VENV)/python -m bench.bots.agents $(ARGS)

bot-eval: setup  ## judge the detector of bots by labelled traffic; SEED="21 22", ARGS="--rate 20 --format json"
	@$(IN_VENV)/python -m bench.bots.evaluate $${SEED:+--seed $$SEED} $(ARGS)

clean: | $(IN_VENV)/python  ## delete all data and charts; asks first, unless FORCE=1
	@$(STACK_COMMAND) clean $$([ "$$FORCE" != 1 ] || echo --force)
