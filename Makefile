# make figures: the pictures of the README and of the pages that are made of the demo, anew; it needs Chromium.
PYTHON ?= python
MADE := docs/_build/figures
SMALL := --model.width 0.25 --model.fc_channels 128 --input.height 112 --input.width 208 --optimisation.epochs 3

.PHONY: figures docs

figures:
	luigi --module pipeline BuildShards --workers 2
	$(PYTHON) -m pipeline inspect dataset --samples 6 --sheet docs/demo.png
	rm -rf $(MADE)
	$(PYTHON) -m training pretrain --config training/configs/simulated_alexnet.yaml --data dataset --run $(MADE)/slow $(SMALL)
	$(PYTHON) -m training pretrain --config training/configs/simulated_alexnet.yaml --data dataset --run $(MADE)/fast $(SMALL) \
		--optimisation.learning_rate 0.001
	$(PYTHON) -m training report $(MADE)/slow $(MADE)/fast --out $(MADE)/runs.html
	$(PYTHON) docs/generator/screenshots.py dataset $(MADE)/runs.html
	$(PYTHON) docs/generator/palette.py docs/demo.png docs/report.png docs/browse.png
	$(PYTHON) docs/generator/drawings.py

docs:
	sphinx-build --fail-on-warning --keep-going --jobs 2 docs docs/_build
