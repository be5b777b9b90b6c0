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
        kind: ProductKind
    ) throws {
        var dilations = (0..<depth).map { index in
            (0..<(cycle.map { index % $0 } ?? index)).reduce(1) { product, _ in product * growth }
        }
        if reversed { dilations.reverse() }
        blocks = try dilations.enumerated().map { index, dilation in
            Block(
                wide: try Convolution(
                    weights, "\(name).\(index).model.1", dilation: dilation, padding: dilation, kind: kind),
                narrow: try Convolution(weights, "\(name).\(index).model.3", padding: 0, kind: kind))
        }
        scale = scalesResiduals ? Float(1 / Double(depth).squareRoot()) : 1
        reach = dilations.reduce(0, +)
    }

    func apply(_ x: Signal, team: ThreadTeam) {
        let kernels = Kernels.active
        let count = x.length * x.channels
        let active = Signal(length: x.length, channels: x.channels)
        for block in blocks {
            kernels.relu(x.values.pointer, into: active.values.pointer, count: count)
            let wide = block.wide.apply(active, length: x.length, team: team)
            kernels.relu(wide.values.pointer, into: wide.values.pointer, count: wide.length * wide.channels)
            let narrow = block.narrow.apply(wide, length: x.length, team: team)
            kernels.add(
                x.values.pointer, narrow.values.pointer, scaledBy: scale, into: x.values.pointer, count: count)
        }
    }
}

/// Makes a signal stride ** downs times shorter (`EncoderConvBlock`).
struct EncoderStack: Sendable {
    private let stages: [(convolution: Convolution, residual: ResidualStack)]
    private let out: Convolution
    private let stride: Int

    init(
        _ weights: Weights, _ name: String, downs: Int, stride: Int, depth: Int, growth: Int, cycle: Int?,
        kind: ProductKind
    ) throws {
        stages = try (0..<downs).map { index in
            (
                try Convolution(weights, "\(name).\(index).0", stride: stride, padding: stride / 2, kind: kind),
                try ResidualStack(
                    weights, "\(name).\(index).1.model", depth: depth, growth: growth, cycle: cycle, reversed: false,
                    scalesResiduals: false, kind: kind)
            )
        }
        out = try Convolution(weights, "\(name).\(downs)", padding: 1, kind: kind)
        self.stride = stride
    }

    func apply(_ x: Signal, team: ThreadTeam) -> Signal {
        var x = x
        for stage in stages {
            x = stage.convolution.apply(x, length: x.length / stride, team: team)
            stage.residual.apply(x, team: team)
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
        cycle: Int?, reversed: Bool, scalesResiduals: Bool, kind: ProductKind
    ) throws {
        first = try Convolution(weights, "\(name).0", padding: 1, kind: kind)
        stages = try (1...downs).map { index in
            (
                try ResidualStack(
                    weights, "\(name).\(index).0.\(resnet)", depth: depth, growth: growth, cycle: cycle,
                    reversed: reversed, scalesResiduals: scalesResiduals, kind: kind),
                try TransposedConvolution(weights, "\(name).\(index).1", stride: stride, kind: kind)
            )
        }
        self.stride = stride
    }

    func apply(_ x: Signal, team: ThreadTeam) -> Signal {
        var x = first.apply(x, length: x.length, team: team)
        for stage in stages {
            stage.residual.apply(x, team: team)
            x = stage.longer.apply(x, team: team)
        }
        return x
    }

    /// Input rows on each side that decide the output, when `after` further output rows on each side do.
    func reach(after: Int) -> Int {
        stages.reversed().reduce(after) { ($0 + stride - 1) / stride + 1 + $1.residual.reach } + 1
    }
}
