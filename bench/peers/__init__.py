"""Shawahid compared with the pipelines that people write with LlamaIndex and LangChain: same models, documents, questions and machine.

`python -m bench.peers --xquad ar.json en.json` prepares the task, asks every system in turn, and puts the table into docs/quality.md;
`make peers` makes the environment of the others first. Their scripts import nothing of Shawahid, only what requirements.txt names.
"""

SYSTEMS = ("shawahid", "shawahid-short", "llamaindex", "langchain", "langchain-quotes")
