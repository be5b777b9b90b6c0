import Tensor

/// x + scale · conv1(relu(conv3(relu(x)))) repeated, with growing dilation (`Resnet1D`).
struct ResidualStack: Sendable {
    private struct Block: Sendable {
        let wide: Convolution
        let narrow: Convolution
    }
    private let blocks: [Block]
    private let scale: Float
    /// Rows on each side that an output row depends on.
    let reach: Int

    init(
        _ weights: Weights, _ name: String, depth: Int, growth: Int, cycle: Int?, reversed: Bool, scalesResiduals: Bool,
        storage: WeightType = .float32
    ) throws {
        var dilations = (0..<depth).map { index in
            (0..<(cycle.map { index % $0 } ?? index)).reduce(1) { product, _ in product * growth }
        }
        if reversed { dilations.reverse() }
        blocks = try dilations.enumerated().map { index, dilation in
            Block(
                wide: try Convolution(
                    weights, "\(name).\(index).model.1", dilation: dilation, padding: dilation, storage: storage),
                narrow: try Convolution(weights, "\(name).\(index).model.3", padding: 0, storage: storage))
        }
        scale = scalesResiduals ? Float(1 / Double(depth).squareRoot()) : 1
        reach = dilations.reduce(0, +)
    }

    /// Multiplications and additions a row.
    var operations: Int { blocks.reduce(0) { $0 + $1.wide.product.operations + $1.narrow.product.operations } }

    var depth: Int { blocks.count }

    /// - Returns: a signal of the same shape.
    func apply(_ x: Signal, team: ThreadTeam) -> Signal {
        var x = x
        var y = Signal(length: x.length, channels: x.channels)
        for index in blocks.indices {
            apply(block: index, x, into: y, team: team)
            swap(&x, &y)
        }
        return x
    }

    /// A block, chunk by chunk, so that what lies between its two products never leaves the cache.
    func apply(block index: Int, _ x: Signal, into y: Signal, team: ThreadTeam) {
        let block = blocks[index]
        let kernels = Kernels.active
        let wide = block.wide.product, narrow = block.narrow.product
        wide.forEachChunk(of: x.length, scratch: wide.inputs + wide.outputs + narrow.outputs, team: team) {
            rows, gathered in
            let state = gathered + rows.count * wide.inputs
            let branch = state + rows.count * wide.outputs
            let place = rows.lowerBound * x.channels
            block.wide.apply(x, rows: rows, to: state, gathered: gathered, activated: true)
            kernels.relu(state, into: state, count: rows.count * wide.outputs)
            narrow.apply(state, rows: rows.count, to: branch, stride: narrow.outputs)
            kernels.add(
                x.values.pointer + place, branch, scaledBy: scale, into: y.values.pointer + place,
                count: rows.count * x.channels)
        }
    }
}

/// Makes a signal stride ** downs times shorter (`EncoderConvBlock`).
struct EncoderStack: Sendable {
    private let stages: [(convolution: Convolution, residual: ResidualStack)]
    private let out: Convolution
    private let stride: Int

    init(
        _ weights: Weights, _ name: String, downs: Int, stride: Int, depth: Int, growth: Int, cycle: Int?
    ) throws {
        stages = try (0..<downs).map { index in
            (
                try Convolution(weights, "\(name).\(index).0", stride: stride, padding: stride / 2),
                try ResidualStack(
                    weights, "\(name).\(index).1.model", depth: depth, growth: growth, cycle: cycle, reversed: false,
                    scalesResiduals: false)
            )
        }
        out = try Convolution(weights, "\(name).\(downs)", padding: 1)
        self.stride = stride
    }

    func apply(_ x: Signal, team: ThreadTeam) -> Signal {
        var x = x
        for stage in stages {
            x = stage.convolution.apply(x, length: x.length / stride, team: team)
            x = stage.residual.apply(x, team: team)
        }
        return out.apply(x, length: x.length, team: team)
    }

    /// Input rows on each side that an output row depends on, at most, given `after` output rows.
    func reach(after: Int) -> Int {
        stages.reversed().reduce(after + 1) { ($0 + $1.residual.reach) * stride + stride }
    }
}

/// Makes a signal stride ** downs times longer (`DecoderConvBock`): also the core of the conditioner.
struct DecoderStack: Sendable {
    private let first: Convolution
    private let stages: [(residual: ResidualStack, longer: TransposedConvolution)]
    private let stride: Int

    init(
        _ weights: Weights, _ name: String, resnet: String, downs: Int, stride: Int, depth: Int, growth: Int,
        cycle: Int?, reversed: Bool, scalesResiduals: Bool, storage: WeightType = .float32
    ) throws {
        first = try Convolution(weights, "\(name).0", padding: 1, storage: storage)
        stages = try (1...downs).map { index in
            (
                try ResidualStack(
                    weights, "\(name).\(index).0.\(resnet)", depth: depth, growth: growth, cycle: cycle,
                    reversed: reversed, scalesResiduals: scalesResiduals, storage: storage),
                try TransposedConvolution(weights, "\(name).\(index).1", stride: stride, storage: storage)
            )
        }
        self.stride = stride
    }

    func apply(_ x: Signal, team: ThreadTeam) -> Signal {
        var run = Run(self, x)
        while true { if let y = run.advance(team: team) { return y } }
    }

    /// The stack applied in pieces, so that whoever computes it can do other things in between.
    struct Run {
        private let stack: DecoderStack
        private var x: Signal
        /// Of the shape of `x`, to write to.
        private var spare: Signal?
        /// The stage, and its blocks that are done; nil before the first convolution.
        private var place: (stage: Int, blocks: Int)?

        init(_ stack: DecoderStack, _ x: Signal) {
            self.stack = stack
            self.x = x
        }

        /// Does a piece: a convolution, or a residual block.
        ///
        /// - Returns: the result after the last one.
        mutating func advance(team: ThreadTeam) -> Signal? {
            guard let (stage, blocks) = place else {
                x = stack.first.apply(x, length: x.length, team: team)
                place = (0, 0)
                return nil
            }
            let (residual, longer) = stack.stages[stage]
            guard blocks == residual.depth else {
                let y = spare ?? Signal(length: x.length, channels: x.channels)
                residual.apply(block: blocks, x, into: y, team: team)
                (x, spare) = (y, x)
                place = (stage, blocks + 1)
                return nil
            }
            (x, spare) = (longer.apply(x, team: team), nil)
            place = (stage + 1, 0)
            return stage + 1 == stack.stages.count ? x : nil
        }
    }

    /// Multiplications and additions of all products for `length` input rows.
    func operations(length: Int) -> Int {
        var (rows, sum) = (length, first.product.operations * length)
        for stage in stages {
            sum += stage.residual.operations * rows + stage.longer.operations * rows
            rows *= stride
        }
        return sum
    }

    /// Input rows on each side that decide the output, when `after` further output rows on each side do.
    func reach(after: Int) -> Int {
        stages.reversed().reduce(after) { ($0 + stride - 1) / stride + 1 + $1.residual.reach } + 1
    }
}
