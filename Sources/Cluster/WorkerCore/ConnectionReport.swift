/// What of a worker's connection is worth a line: that it joined, lost the coordinator, came back; after a few seconds
/// without one, why, and that once for each reason.
package struct ConnectionReport: Sendable {
    package struct Settings: Sendable, Hashable {
        /// Without a coordinator before it is told why.
        package var patience: Duration
        /// Before the same is told once more.
        package var reminder: Duration

        package init(patience: Duration = .seconds(3), reminder: Duration = .seconds(600)) {
            self.patience = patience
            self.reminder = reminder
        }
    }

    /// What there is to tell while the worker is not welcome.
    private enum Trouble: Hashable {
        case noConnection(Problem?)
        case noAnswer
    }

    private let settings: Settings
    private var link = Link.down(problem: nil)
    private var isWelcome = false
    private var hasBeenWelcome = false
    /// Since when the worker is not welcome, and since when for the present reason.
    private var since: Duration
    private var reasonSince: Duration
    private var told: (trouble: Trouble, at: Duration)?
    /// A `lost` was told that no `back` has answered.
    private var isLost = false

    init(settings: Settings, now: Duration) {
        self.settings = settings
        (since, reasonSince) = (now, now)
    }

    mutating func welcomed(_ now: Duration) -> Notice? {
        defer { (isWelcome, hasBeenWelcome, isLost, told) = (true, true, false, nil) }
        guard hasBeenWelcome else { return .joined }
        return .back(away: isLost ? now - since : nil)
    }

    mutating func follow(_ new: Link, _ now: Duration) -> Notice? {
        guard new != link else { return nil }
        link = new
        reasonSince = now
        switch new {
        case .up: return nil
        case .down:
            guard isWelcome else { return nil }
            (isWelcome, isLost, since) = (false, true, now)
            return .lost
        }
    }

    mutating func tick(_ now: Duration) -> Notice? {
        guard !isWelcome else { return nil }
        let trouble: Trouble
        switch link {
        case .up: trouble = .noAnswer
        case .down(let problem): trouble = .noConnection(problem)
        }
        guard now - reasonSince >= patience(for: trouble) else { return nil }
        if let told, told.trouble == trouble, now - told.at < settings.reminder { return nil }
        told = (trouble, now)
        switch trouble {
        case .noConnection(let problem): return .noConnection(problem, since: now - since)
        case .noAnswer: return .noAnswer(since: now - since)
        }
    }

    /// What is certain is told at once; that nothing is known, late.
    private func patience(for trouble: Trouble) -> Duration {
        switch trouble {
        case .noAnswer: settings.patience
        case .noConnection(nil): settings.patience * 2
        case .noConnection(let problem?): problem.isCertain ? .zero : settings.patience
        }
    }
}
