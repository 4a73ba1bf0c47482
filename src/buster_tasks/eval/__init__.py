"""Evaluation: a set of questions with right statements, run through the analyst, and how much of it was right.

python -m buster_tasks.eval QUESTIONS.json --model offline
"""
