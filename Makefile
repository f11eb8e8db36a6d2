# Two commands: `make lab` opens the course, `make test` checks it. Everything else is for those who change it.
# Each works on a fresh machine: it makes .venv and installs what it needs, once.

# The first Python that is new enough, or python3, which then says what it lacks.
PYTHON ?= $(firstword $(foreach p,python3 python3.14 python3.13 python3.12 python3.11,$(if $(shell $(p) -c 'import sys; print(sys.version_info >= (3, 11) or "")' 2>/dev/null),$(p))) python3)
PORT ?= 8888
ARGS ?=
RUN = PORT=$(PORT) $(PYTHON) -m mtl_helpers

.PHONY: lab install copies test site slides handout app bench notebooks cost corpus transfer methods methods_fair conflicts amounts driving real-data real-branches large adapters sealed claims lint

lab: ; @$(RUN) lab $(ARGS)

# What `lab` does first, alone: the environment, and your copies of the lessons.
install copies: ; @$(RUN) $@ $(ARGS)

test: ; @$(RUN) test $(ARGS)

# What a class needs, made from the lessons into build/: pages, slides, handouts; the live demos without code. See TEACHING.md.
site slides handout: ; @$(RUN) $@ $(ARGS)

app: ; @$(RUN) $@ --port $(PORT) $(ARGS)

# Speed, as ratios against stated baselines; not part of the tests.
bench: ; @$(RUN) bench $(ARGS)

# Run the notebooks and store their outputs as they are committed.
notebooks: ; @$(RUN) notebooks $(ARGS)

# Compute the tables in data/results: 4 minutes, 10, 12, 12 to 14, 5, 5, 2 and 14. What was cut short goes on; ARGS=--fresh begins anew.
cost corpus transfer methods methods_fair conflicts amounts driving: ; @$(RUN) experiment $@ $(ARGS)

# The same for real data, 5 to 10 minutes; the archives (285 MB) come from their publishers, or from the folder that MTL_DATA names.
real-data: ; @$(RUN) experiment real_data $(ARGS)

# Real speech and real images for the appendix of lesson 06, 3 minutes; two archives, from the same places.
real-branches: ; @$(RUN) experiment real_branches $(ARGS)

# That of lesson 07: 45 minutes where nothing else runs.
large: ; @$(RUN) experiment large_models $(ARGS)

# Its LoRAs that are merged, its decoder that takes instructions, and the task named in an encoder's text: about 45 minutes on
# one core.
adapters: ; @for part in merge instructions named_tasks; do $(RUN) experiment adapters.$$part $(ARGS) || exit 1; done

# That of lesson 08, which opens the sealed reviews: about 12 minutes. It ran once.
sealed: ; @$(RUN) experiment $@ $(ARGS)

# What all of them say, for the lessons' claims: a second.
claims: ; @$(RUN) experiment $@ $(ARGS)

lint: ; @$(RUN) $@
