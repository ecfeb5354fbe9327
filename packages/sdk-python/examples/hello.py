"""The smallest agent: it greets, works, and reports."""

from oblivion import Agent, Context, TaskAssigned

agent = Agent("hello")


@agent.on_task()
async def greet(task: TaskAssigned, ctx: Context) -> str:
    await ctx.say(f"Hello! I am working on: {task.title}")
    return f"Done: {task.title}"


if __name__ == "__main__":
    agent.run()
