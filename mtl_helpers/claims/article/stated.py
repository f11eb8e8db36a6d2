"""What the article states, in its order, and the rows of the register that test it."""

from __future__ import annotations

from mtl_helpers.claims.article.rule import ArticleClaim, Evidence

# Claims of the article whose rows the register does not have yet, each with the lessons that will bring them.
AWAITED: dict[str, str] = {
    "learning-ability": "03, 05",
    "many-birds": "02",
    "parameters": "02",
    "training-time": "02",
    "shared-data": "03",
    "design-for-several": "03, 05",
    "cnn-or-rnn": "02",
    "relation-mechanism": "03",
    "influence": "03",
    "formula": "00, 04",
    "images": "05",
    "harder": "05",
    "by-importance": "04",
    "by-amount": "04, 07",
    "by-validation": "05",
    "large-models": "07",
}

ROUTES = "the action has 300 routes to learn from (driving)"
MORE_ROUTES = "the action has 1,000 or 4,000 routes"
WAYPOINTS = "the waypoints are planned together with the rest"
SEALED = "new reviews are asked"

ARTICLE_CLAIMS: tuple[ArticleClaim, ...] = (
    ArticleClaim(
        id="learning-ability",
        chinese="在一个模型中同时训练多个任务，从而提高模型的学习能力和应用范围",
        english="training several tasks in one model improves what it can learn, and widens its use",
        counts="a higher score of the shared model than of a model of its own, in each world",
        evidence=(
            Evidence("06-action-300", "above", ROUTES),
            Evidence("06-action-1000", "above", MORE_ROUTES),
            Evidence("06-action-4000", "above", MORE_ROUTES),
        ),
    ),
    ArticleClaim(
        id="many-birds",
        chinese="一石多鸟的效果",
        english="many birds with one stone",
        counts="one model that answers all tasks for less than the models it replaces, and loses no accuracy",
    ),
    ArticleClaim(
        id="large-models",
        chinese="AI大模型中的多任务学习",
        english="multi-task learning in large models",
        counts="a pre-trained encoder ahead of small models; and a second task that still adds to it",
    ),
    ArticleClaim(
        id="parameters",
        chinese="共享参数和训练数据，从而减少模型的复杂性",
        english="parameters and training data are shared, which makes the model less complex (read as: fewer parameters)",
        counts="parameters of one shared model over those of a model for each task, below 1",
    ),
    ArticleClaim(
        id="training-time",
        chinese="减少模型的复杂性和训练时间",
        english="less complexity and training time",
        counts="processor time over that of a model for each task, below 1: of a step, and to the same quality",
    ),
    ArticleClaim(
        id="shared-data",
        chinese="可以共享参数和训练数据",
        english="training data can be shared",
        counts="labels of another task that stand in for labels of this one, against a control with their loss off",
    ),
    ArticleClaim(
        id="design-for-several",
        chinese="需要在模型设计和优化过程中考虑多个任务的需求",
        english="design and optimisation have to consider what several tasks need",
        counts="a shared model that is worse for a task unless something is done for that task",
    ),
    ArticleClaim(
        id="cnn-or-rnn",
        chinese="模型可以是卷积神经网络（CNN）、循环神经网络（RNN）等",
        english="the model can be a convolutional network, a recurrent one, and so on",
        counts="the same finding with both encoders",
    ),
    ArticleClaim(
        id="relation-mechanism",
        chinese="在模型中加入任务关联机制，如共享参数、共享特征等",
        english="add a mechanism that relates the tasks, such as shared parameters or features",
        counts="a gain by sharing alone; a gain by a head that is told of the other task",
    ),
    ArticleClaim(
        id="influence",
        chinese="多个任务可以相互影响",
        english="the tasks can influence each other",
        counts="a change of one task by the labels of another, whether up or down, against a control",
    ),
    ArticleClaim(
        id="needs-of-all",
        chinese="模型会根据多个任务的需求进行优化",
        english="in training the model is optimised by what all tasks need",
        counts="no task loses by the others at equal λ",
        evidence=(
            Evidence("06-action-300", "above", ROUTES),
            Evidence("06-waypoints-300", "above", WAYPOINTS),
            Evidence("06-waypoints-1000", "above", WAYPOINTS),
            Evidence("06-waypoints-4000", "above", WAYPOINTS),
        ),
    ),
    ArticleClaim(
        id="evaluate-each",
        chinese="评估模型在每个任务上的表现",
        english="evaluate the model on each task",
        counts="tasks of one model that move in opposite directions, so that a mean would hide it",
        evidence=(
            Evidence("06-waypoints-300", "below", "one task pays: the waypoints, with 300 routes"),
            Evidence("06-action-300", "above", "another task of the same model gains: the action"),
        ),
    ),
    ArticleClaim(
        id="formula",
        chinese="这个公式表达了如何将多个任务的损失函数相加",
        english="the formula says how the losses of several tasks are added",
        counts="a λ that is raised in training changes what is learnt",
    ),
    ArticleClaim(
        id="program",
        chinese="使用Python和PyTorch实现一个多任务学习的模型，任务为文本分类和情感分析",
        english="a multi-task model in Python and PyTorch, for text classification and sentiment",
        counts="the article's program, run as printed on two tasks, takes training steps",
        evidence=(Evidence("08-program", "above", ""),),
    ),
    ArticleClaim(
        id="language",
        chinese="多任务学习在实际应用中有许多场景，如自然语言处理",
        english="it serves in many applications, such as language",
        counts="a gain on reviews, also on new ones",
    ),
    ArticleClaim(
        id="images",
        chinese="图像识别",
        english="the recognition of images",
        counts="a gain on pictures against a model of its own",
    ),
    ArticleClaim(
        id="speech",
        chinese="语音识别等",
        english="and of speech",
        counts="a gain on recordings of people against a model of its own",
        because="the register has no row on recordings: lesson 05 runs spoken digits as one of its real worlds, and lesson 06 "
        "makes its commands by a program",
    ),
    ArticleClaim(
        id="driving",
        chinese="在一个模型中实现这些任务的共同优化，从而提高系统的整体性能",
        english="for driving, joint optimisation in one model improves the system as a whole",
        counts="action and waypoints both better than by models of their own; in a simulator, not on a road",
        evidence=(
            Evidence("06-action-300", "above", ROUTES),
            Evidence("06-action-1000", "above", MORE_ROUTES),
            Evidence("06-action-4000", "above", MORE_ROUTES),
            Evidence("06-waypoints-300", "above", WAYPOINTS),
            Evidence("06-waypoints-1000", "above", WAYPOINTS),
            Evidence("06-waypoints-4000", "above", WAYPOINTS),
        ),
    ),
    ArticleClaim(
        id="challenges",
        chinese="我们面临着许多挑战，如模型设计、训练数据收集、模型优化等",
        english="there are many challenges: model design, collecting training data, optimisation",
        counts="a count over many projects of where work was lost",
        because="this course is one project: what it met of each challenge is told below, and one case is no count",
    ),
    ArticleClaim(
        id="future",
        chinese="未来，多任务学习将继续发展，并在更多领域得到应用",
        english="it will develop further, and be applied in more fields",
        counts="the next years",
        because="it speaks of the future",
    ),
    ArticleClaim(
        id="generalisation",
        chinese="实现任务间的相互影响，从而提高模型的泛化能力",
        english="the tasks influence each other, which improves generalisation",
        counts="a higher score on texts by other writers, the sealed reviews, against a model of its own",
    ),
    ArticleClaim(
        id="harder",
        chinese="可能会导致模型的训练和优化变得复杂",
        english="training and optimisation may become more complicated",
        counts="a loss at equal λ that takes tuning runs to win back; more settings to choose",
    ),
    ArticleClaim(
        id="by-importance",
        chinese="任务权重可以根据任务的重要性",
        english="task weights can be set by importance",
        counts="a task that is given three times the λ does better than at equal λ",
    ),
    ArticleClaim(
        id="by-amount",
        chinese="数据量等因素进行调整",
        english="or by the amount of data and other things",
        counts="λ, or the share of examples, in proportion to the number of labels does better than equal",
    ),
    ArticleClaim(
        id="by-validation",
        chinese="任务权重可以通过交叉验证或其他方法进行优化",
        english="task weights can be optimised by cross-validation or other methods",
        counts="λ chosen by validation, or by a rule, does better than equal λ, on reviews that were not looked at",
    ),
)
