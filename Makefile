# Two commands matter: `make run` and `make test`. Both install what they need into .venv first.
SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help run test lint types i18n docs db ci install install-dev messages

bin := .venv/bin
catalogues := $(patsubst %.po,%.mo,$(wildcard translations/*/LC_MESSAGES/*.po))
# Chromium is Debian's; .ci/install says it when it is missing, and in CI stops there.
# So are poppler's programs, which read pages back, and the OCR-B font.
pytest := $(bin)/python -m pytest $$(test -x /usr/bin/chromium || echo --ignore=tests/browser) \
	$$(command -v pdftoppm >/dev/null || echo --ignore=tests/printing --ignore=tests/browser/test_life.py) \
	$$(test -e /usr/share/fonts/opentype/ocr-b/OCRB.otf || echo --ignore=tests/printing) $(PYTEST)

export PYTHON

help: ## This list
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/  make \1|\2/p' Makefile | while IFS='|' read -r target text; do \
		printf '%-13s %s\n' "$$target" "$$text"; done

run: install messages ## Install, start the database, migrate, load the demonstration and serve it
	@$(bin)/pasaportes demo --serve

test: install-dev messages ## Every test, browser ones included; PYTEST="-k name" chooses
	@$(pytest)

lint: install-dev ## Style, complexity, security and layers
	@$(bin)/ruff check .
	@$(bin)/ruff format --check .
	@$(bin)/lint-imports

types: install-dev ## Types, strictly
	@$(bin)/mypy

i18n: install-dev ## Collect the texts into translations/*/LC_MESSAGES/messages.po and compile them
	@$(bin)/pybabel -q extract -F translations/babel.cfg -k _l -k lazy_gettext -k N_ --no-location --sort-output \
		-o translations/messages.pot .
	@$(bin)/pybabel -q update -i translations/messages.pot -d translations -w 120 \
		--no-fuzzy-matching --ignore-obsolete --ignore-pot-creation-date
	@rm -f translations/messages.pot
	@$(MAKE) --no-print-directory messages

docs: install-dev messages ## Generate docs/reference from the declarations
	@$(bin)/pasaportes reference

db: install ## Start the database and bring its tables up to date
	@PASAPORTES_DEMO=1 $(bin)/pasaportes migrate

ci: ## What the continuous integration runs: linters, and the tests on PostgreSQL 18 and 15
	@.ci/run

install:
	@.ci/install run

install-dev:
	@.ci/install test

messages: $(catalogues)

# Compiled under another name first: two makes may do it at once.
translations/%.mo: translations/%.po | install
	@$(bin)/pybabel -q compile -i $< -o $@.$$$$ && mv $@.$$$$ $@
